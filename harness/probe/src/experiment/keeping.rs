//! Whether clients are kept on their members.

use lblab_model::Protocol;

use super::text::Text;
use crate::ability::Ability;

/// The application's cookie.
const APPLICATION: &str = "JSESSIONID";

pub(super) fn http_cookie(ability: Ability) -> String {
    cookie(ability, "{type: HTTP_COOKIE}")
}

pub(super) fn app_cookie(ability: Ability) -> String {
    cookie(ability, &format!("{{type: APP_COOKIE, cookie_name: {APPLICATION}}}"))
}

fn cookie(ability: Ability, persistence: &str) -> String {
    let pool = Ability { protocol: Protocol::Http, ..ability }.pool();
    // Seven clients, which take no round of three members together.
    Text::new("whether a cookie keeps a client on its member", &format!("{pool}, persistence: {persistence}"), 3)
        .step("traffic: {requests: 70, clients: 7, cookies: keep}")
        .step("traffic: {requests: 18}")
        .finish()
}

pub(super) fn source_table(ability: Ability) -> String {
    let pool = format!("{}, persistence: {{type: SOURCE_IP}}", ability.pool());
    // No multiple of the members, or else mere turns would bring each source to the same member again.
    let text = Text::new("whether a table keeps sources on their members when one leaves", &pool, 6)
        .step("traffic: {requests: 183, sources: 61}");
    if !ability.watches {
        return text.finish();
    }
    text.monitor("type: HTTP, delay: 1s, timeout: 1s, max_retries: 1")
        .step("fault: {on: vm02, kind: status, code: 500}")
        .step("wait: 3500ms")
        .step("traffic: {requests: 61, sources: 61}")
        .step("heal: vm02")
        .step("wait: 3500ms")
        .step("traffic: {requests: 61, sources: 61}")
        .finish()
}
