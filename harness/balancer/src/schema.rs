//! Manifests as a JSON Schema, for editors. A test holds its keys and words to those that are read.

use serde_json::{Map, Value as Json, json};

/// The JSON Schema of a manifest. It says what can stand where; [`crate::Manifest::load`] says more.
pub fn manifest_schema() -> Json {
    let mut schema = mapping(
        &["name", "program", "files", "start", "ready", "reload", "stop", "traits"],
        json!({
            "name": { "type": "string", "pattern": "^[A-Za-z0-9._-]+$", "description": "The name in reports." },
            "program": program(),
            "version": described(
                mapping(&["command", "pattern"], json!({
                    "command": command("What prints the version."),
                    "pattern": text("Finds the version, by a group `version`, in what the command prints."),
                })),
                "How to learn the program's version; needed unless the program is `own`.",
            ),
            "verified": text("The version with which the traits have been verified; `2.6` stands for every 2.6."),
            "environment": described(texts(), "Variables for every command of the manifest."),
            "values": described(texts(), "What templates name as `values.NAME`, so that several manifests can share them."),
            "sysctls": described(texts(), "Settings of the balancer's network namespace, such as net.ipv4.ip_forward."),
            "runs_as": described(
                mapping(&["user"], json!({ "user": text("The user."), "group": text("The group.") })),
                "What the program drops to, where it exists and ids can be changed.",
            ),
            "files": described(
                list(mapping(&["template", "to"], json!({
                    "template": text("A file beside the manifest, or a shipped template by its path."),
                    "to": text("Its name in the state directory, with one folder before it at most."),
                }))),
                "What is rendered.",
            ),
            "check": command("Fails if the rendered configuration is wrong."),
            "start": command("Runs the balancer in the foreground."),
            "ready": described(
                json!({ "type": "array", "minItems": 1, "items": condition() }),
                "What has to come true, in order, until the balancer is ready.",
            ),
            "reload": reload(),
            "stop": described(
                alternatives(
                    mapping(&["grace"], json!({
                        "signal": word(SIGNALS, "The signal that ends it."),
                        "command": command("The command that ends it."),
                        "grace": { "type": "string", "pattern": "^ *[0-9]+ *m?s$",
                                   "description": "How long it may take before it is killed: `2s`, `500ms`." },
                    })),
                    &[&["signal"], &["command"]],
                ),
                "How the balancer is ended.",
            ),
            "status": status(),
            "events": described(
                mapping(&["down", "up"], json!({
                    "socket": text("The unix datagram socket that the balancer logs to."),
                    "command": command("Runs beside the balancer; what it prints is heard."),
                    "down": text("Matches the line that a member is down; has a group `member` or `address`."),
                    "up": text("Matches the line that a member is up; has a group `member` or `address`."),
                })),
                "How a member's change of state is noticed when it happens.",
            ),
            "mutants": { "type": "boolean", "description": "Whether it can be told to be wrong in a named way." },
            "traits": traits(),
        }),
    );
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("lblab balancer manifest");
    schema
}

const SIGNALS: &[&str] = &["HUP", "INT", "QUIT", "TERM", "KILL", "USR1", "USR2", "WINCH"];

fn program() -> Json {
    let program = mapping(
        &[],
        json!({
            "own": { "const": true, "description": "It is lblab itself." },
            "names": { "type": "array", "minItems": 1, "items": { "type": "string", "minLength": 1 },
                       "description": "The names under which it is looked for; in an image, its path." },
            "search": described(list(json!({ "type": "string" })),
                                "The folders to look in, in order; PATH stands for those of PATH."),
            "install": text("The command that installs it."),
            "image": text("The local image that it is in: it runs in a container."),
            "build": text("The command that makes the image."),
        }),
    );
    described(
        alternatives(program, &[&["own"], &["names", "install"], &["image", "names", "build"]]),
        "Where the program comes from.",
    )
}

fn condition() -> Json {
    let keys = json!({
        "socket": text("A unix stream socket."),
        "address": text("An address and port in the balancer's namespace; `{{ vip }}` is the VIP's."),
        "ask": text("A line to send; any answer will do."),
        "get": path(),
        "output": text("A pattern for a line that the balancer prints."),
        "ends": { "const": true, "description": "The start command ends with success, and the kernel balances." },
    });
    let ways: &[&[&str]] = &[&["socket", "ask"], &["socket", "get"], &["address"], &["output"], &["ends"]];
    any_of(mapping(&[], keys), ways)
}

fn asks() -> Json {
    let asks = mapping(
        &["matches"],
        json!({
            "socket": text("A unix stream socket."),
            "address": text("An address and port in the balancer's namespace."),
            "ask": text("A line to send."),
            "get": path(),
            "matches": text("A pattern, and a template, that the answer matches when the change is in force."),
        }),
    );
    described(question(asks), "The question whose answer tells that the change is in force.")
}

fn reload() -> Json {
    let reload = mapping(
        &[],
        json!({
            "signal": word(SIGNALS, "The process is sent this signal."),
            "replace": command("A second process takes over from the first."),
            "command": command("A command tells the balancer."),
            "files": { "const": true, "description": "The balancer watches its files." },
            "restart": { "const": true, "description": "The balancer is stopped and started again." },
            "done": text("A pattern for the line that tells that the change is in force."),
            "asks": asks(),
            "refused": text("A pattern for the line that the change is not taken; may have a group `reason`."),
        }),
    );
    let ways: &[&[&str]] = &[&["signal"], &["replace"], &["command"], &["files"], &["restart"]];
    described(alternatives(reload, ways), "How a changed configuration is put in force.")
}

fn status() -> Json {
    let status = mapping(
        &[],
        json!({
            "socket": text("A unix stream socket."),
            "address": text("An address and port in the balancer's namespace."),
            "ask": text("A line to send."),
            "get": path(),
            "command": command("A command that prints the states."),
            "format": word(&["haproxy-csv"], "How the answer is written."),
            "every": text("How often it is asked if there are no events: `20ms` if not said otherwise."),
            "members": text("A pattern: each match is a member, by a group `member` or `address`, down if `down` takes part."),
        }),
    );
    described(alternatives(status, &[&["format"], &["members"]]), "How the members' states are read.")
}

fn traits() -> Json {
    let cost = json!({ "anyOf": [
        { "const": "timeout" },
        { "type": "object", "maxProperties": 1, "minProperties": 1, "additionalProperties": false, "properties": {
            "delay-up-to": seconds("The smaller of so many seconds and the delay."),
            "timeout-or-delay-up-to": seconds("The larger of the timeout and of what `delay-up-to` comes to."),
            "timeout-up-to": seconds("The smaller of the timeout and of so many seconds."),
        } },
    ] });
    let keys = json!({
        "protocols": words(&["HTTP", "TCP"], "The protocols that it serves."),
        "balances": word(&["requests", "connections"], "What is shared."),
        "methods": words(&["ROUND_ROBIN", "SOURCE_IP", "LEAST_CONNECTIONS"], "The methods that it has."),
        "rotation": word(&["in-turn", "shuffled", "random"], "The order within a period of ROUND_ROBIN."),
        "sequence": word(&["smooth", "blocks"], "The order within a period over unequal weights, if it is a known one."),
        "weights": word(&["exact", "ignored"], "Whether weights are kept."),
        "workers": integer(1, 64, "Independent rotations."),
        "ties": word(&["rotating", "random", "first"], "Who gets the next connection among the equally busy."),
        "hash": word(&["map", "consistent", "rendezvous", "maglev", "slash24"], "How SOURCE_IP maps clients to members."),
        "hash_formula": word(&["address-modulo", "nginx-slash24", "highest-random-weight"], "How that hash is computed, if in a known way."),
        "persistence": words(&["SOURCE_IP", "HTTP_COOKIE", "APP_COOKIE"], "The kinds of persistence that it has."),
        "source_table": integer(1, 100_000_000, "How many clients the table of the persistence SOURCE_IP remembers."),
        "cookie": word(&["hidden", "shown"], "Whether members see the cookie of the persistence HTTP_COOKIE."),
        "monitors": words(&["PING", "TCP", "HTTP", "HTTPS"], "The kinds of monitor that it has, active ones only."),
        "passive": { "anyOf": [
            { "const": "none" },
            mapping(&["failures", "for"], json!({
                "failures": integer(1, 1000, "Failed requests that take a member out."),
                "for": seconds("How long it is out."),
            })),
        ], "description": "Whether failed requests take a member out." },
        "probe_schedule": word(&["end-to-start", "start-to-start", "ticks"], "From where to where the delay runs."),
        "unanswered_syn": described(cost.clone(), "What a probe costs to a member that does not answer the SYN."),
        "unanswered_request": described(cost, "What a probe costs to a member that accepts and stays silent."),
        "probe_reads": word(&["status", "answer"], "How much of an answer a probe reads."),
        "fall": { "anyOf": [{ "const": "max-retries" }, { "type": "integer", "minimum": 1, "maximum": 10 }],
                  "description": "Consecutive bad probes that take a member out." },
        "rise": integer(1, 10, "Consecutive good probes that bring a member back."),
        "first_failure": word(&["counts", "takes-out"], "What the first failed probe after a start means."),
        "expected_codes": words(&["one", "list", "range"], "The forms of expected codes that it knows."),
        "panic": integer(0, 100, "Percent of members up below which it sends to all of them; 0 is never."),
        "sub_second_probes": { "type": "boolean", "description": "Whether a delay or a timeout that is no whole number of seconds can be configured." },
        "redispatch": described(
            mapping(&["retries", "bound_requests", "connect_timeout", "response_timeout"], json!({
                "retries": integer(0, 100, "Tries after the first one."),
                "bound_requests": word(&["move", "wait", "stay"], "Where the retries of a request go that is bound to its member."),
                "connect_timeout": seconds("How long a connection to a member may take."),
                "response_timeout": seconds("How long an answer may take."),
            })),
            "What happens to a request whose connection to a member fails.",
        ),
        "reload": word(&["keeps-all", "keeps-connections", "restarts"], "What a reload keeps."),
        "forwarded_for": word(&["none", "added"], "Whether members are told the client's address by X-Forwarded-For; `none` if left out."),
        "connection_limit": word(&["none", "waits", "refuses"], "What becomes of a client beyond the limit of connections; `none` if none can be configured, or left out."),
        "ipv6": { "type": "boolean", "description": "Whether the VIP can be an IPv6 address, with members that have IPv4 ones; `false` if left out." },
        "backups": word(&["none", "first", "all"], "Which backup members serve while every other is down; `none` if members cannot be declared backups, or left out."),
    });
    let always = &[
        "protocols",
        "balances",
        "methods",
        "rotation",
        "weights",
        "workers",
        "ties",
        "persistence",
        "monitors",
        "passive",
        "redispatch",
        "reload",
    ];
    described(mapping(always, keys), "What the balancer promises.")
}

/// A mapping of these keys and no others.
fn mapping(required: &[&str], properties: Json) -> Json {
    let mut mapping = Map::new();
    mapping.insert("type".to_owned(), "object".into());
    mapping.insert("additionalProperties".to_owned(), false.into());
    mapping.insert("required".to_owned(), required.into());
    mapping.insert("properties".to_owned(), properties);
    Json::Object(mapping)
}

/// The mapping with exactly one of these sets of keys.
fn alternatives(mapping: Json, ways: &[&[&str]]) -> Json {
    with(mapping, "oneOf", ways)
}

/// The mapping with at least one of these sets of keys.
fn any_of(mapping: Json, ways: &[&[&str]]) -> Json {
    with(mapping, "anyOf", ways)
}

fn with(mut mapping: Json, how: &str, ways: &[&[&str]]) -> Json {
    mapping[how] = ways.iter().map(|keys| json!({ "required": keys })).collect();
    mapping
}

/// A question: what is asked, and where.
fn question(mapping: Json) -> Json {
    let mut mapping = alternatives(mapping, &[&["socket"], &["address"]]);
    mapping["anyOf"] = json!([{ "required": ["ask"] }, { "required": ["get"] }]);
    mapping
}

fn described(mut schema: Json, description: &str) -> Json {
    if let Some(schema) = schema.as_object_mut() {
        schema.insert("description".to_owned(), description.into());
    }
    schema
}

fn text(description: &str) -> Json {
    json!({ "type": "string", "description": description })
}

fn path() -> Json {
    json!({ "type": "string", "pattern": "^/[!-~]*$", "description": "A path to request; the answer's status has to be 200." })
}

/// A mapping of names to texts.
fn texts() -> Json {
    json!({ "type": "object", "additionalProperties": { "type": "string" } })
}

fn list(items: Json) -> Json {
    let mut list = Map::new();
    list.insert("type".to_owned(), "array".into());
    list.insert("items".to_owned(), items);
    Json::Object(list)
}

fn command(description: &str) -> Json {
    // YAML reads `-1` as a number, and so does an editor; an argument is a text all the same.
    let argument = json!({ "type": ["string", "number", "boolean"] });
    json!({ "type": "array", "minItems": 1, "items": argument, "description": description })
}

fn word(words: &[&str], description: &str) -> Json {
    json!({ "enum": words, "description": description })
}

fn words(words: &[&str], description: &str) -> Json {
    json!({ "type": "array", "uniqueItems": true, "items": { "enum": words }, "description": description })
}

fn integer(least: u32, most: u32, description: &str) -> Json {
    json!({ "type": "integer", "minimum": least, "maximum": most, "description": description })
}

fn seconds(description: &str) -> Json {
    json!({ "type": "number", "minimum": 0, "description": description })
}
