//! The sliver of Keystone that clients need: users, who prove themselves by a password and act for one project each.

use axum::http::StatusCode;
use rusqlite::OptionalExtension;
use serde::Deserialize;

use crate::call::Tenant;
use crate::fault::Fault;
use crate::store::Rows;

/// The role of a user who may see and change what belongs to others.
pub const ADMIN: &str = "admin";
/// The role of every other user.
pub const MEMBER: &str = "member";

/// The domain that all users and projects are in.
pub const DOMAIN_ID: &str = "default";
/// Its name.
pub const DOMAIN_NAME: &str = "Default";

/// What a client sends for a token: <https://docs.openstack.org/api-ref/identity/v3/#password-authentication-with-scoped-authorization>.
#[derive(Debug, Deserialize)]
pub struct Request {
    auth: Auth,
}

#[derive(Debug, Deserialize)]
struct Auth {
    identity: Identity,
    scope: Option<Scope>,
}

#[derive(Debug, Deserialize)]
struct Identity {
    methods: Vec<String>,
    password: Option<Password>,
}

#[derive(Debug, Deserialize)]
struct Password {
    user: User,
}

#[derive(Debug, Deserialize)]
struct User {
    #[serde(flatten)]
    named: Named,
    password: String,
}

/// What a token is asked for: a project. Those for a domain or the system are not given.
#[derive(Debug, Deserialize)]
struct Scope {
    project: Option<Named>,
}

/// A user or a project, by its id, or by its name in a domain.
#[derive(Debug, Deserialize)]
struct Named {
    id: Option<String>,
    name: Option<String>,
    domain: Option<Domain>,
}

#[derive(Debug, Deserialize)]
struct Domain {
    id: Option<String>,
    name: Option<String>,
}

impl Named {
    fn is(&self, id: &str, name: &str) -> bool {
        let domain = self.domain.as_ref().is_none_or(|domain| match (&domain.id, &domain.name) {
            (Some(id), _) => id == DOMAIN_ID,
            // Upstream's names of domains do not tell upper from lower case, as its database does not.
            (None, Some(name)) => name.eq_ignore_ascii_case(DOMAIN_NAME),
            (None, None) => true,
        });
        match (&self.id, &self.name) {
            (Some(own), _) => own == id,
            (None, Some(own)) => domain && own == name,
            (None, None) => false,
        }
    }
}

/// Who has proved to be somebody, and for which project.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// The user's id.
    pub user_id: String,
    /// The user's name.
    pub user: String,
    /// The project's id, which owns what is made.
    pub project_id: String,
    /// The project's name.
    pub project: String,
    /// The user's role in it.
    pub role: String,
}

impl Session {
    /// The tenant that the rules see.
    pub fn tenant(&self) -> Tenant {
        Tenant { id: self.project_id.clone(), admin: self.role == ADMIN }
    }
}

/// Whom a request for a token comes from, if its password is right.
pub fn authenticate(rows: &Rows<'_>, request: &Request) -> Result<Session, Fault> {
    let identity = &request.auth.identity;
    let Some(password) = identity.password.as_ref().filter(|_| identity.methods == ["password"]) else {
        let message = "Attempted to authenticate with an unsupported method: this one knows 'password' alone.";
        return Err(Fault::new(StatusCode::UNAUTHORIZED, "Unauthorized", message));
    };
    // Whether it is the user, the password or the project that is wrong is not told.
    let refused =
        || Fault::new(StatusCode::UNAUTHORIZED, "Unauthorized", "The request you have made requires authentication.");
    let sql = "SELECT users.id, users.name, users.password, users.role, projects.id, projects.name
        FROM users JOIN projects ON projects.id = users.project_id WHERE users.id = ?1 OR users.name = ?2";
    let user = &password.user;
    let found = rows.connection().query_row(sql, [&user.named.id, &user.named.name], |row| {
        let kept: String = row.get(2)?;
        let session = Session {
            user_id: row.get(0)?,
            user: row.get(1)?,
            role: row.get(3)?,
            project_id: row.get(4)?,
            project: row.get(5)?,
        };
        Ok((session, kept))
    });
    let found = found.optional().map_err(|error| Fault::internal("looking for a user", &error))?;
    let (session, kept) = found.ok_or_else(refused)?;
    // Without a scope, the project is the user's own.
    let project = request.auth.scope.as_ref().map(|scope| scope.project.as_ref().ok_or_else(refused)).transpose()?;
    let in_project = project.is_none_or(|project| project.is(&session.project_id, &session.project));
    if !user.named.is(&session.user_id, &session.user) || user.password != kept || !in_project {
        return Err(refused());
    }
    Ok(session)
}
