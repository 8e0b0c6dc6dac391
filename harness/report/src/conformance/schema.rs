//! The JSON Schema of a conformance report, for those who read many of them.

use lblab_scenario::Profile;
use serde_json::{Value as Json, json};

/// The JSON Schema of the document, for its YAML as well.
pub fn conformance_schema() -> Json {
    let seconds = json!({ "type": "number", "minimum": 0, "description": "Seconds." });
    let mut schema = object(
        &["only", "timeScale", "failedBeside"],
        &json!({
            "kind": { "const": "ConformanceReport" },
            "format": { "const": 1, "description": "A change that breaks a reader gets a new number; new keys may come at any time." },
            "date": text("When the run began: RFC 3339, in UTC."),
            "lblabVersion": text("The version of lblab that made it."),
            "apiVersions": texts("The versions of LBaaS whose promises were looked at."),
            "implementation": object(
                &["version", "program", "attachment", "mutant"],
                &json!({
                    "name": text("The manifest's name."),
                    "version": text("The version that the program printed; left out if it is not on the machine."),
                    "program": text("The program."),
                    "attachment": text("How its container was attached to the lab, if it ran in one."),
                    "mutant": text("The mutation that it was told to carry, if any.")
                })
            ),
            "profile": { "enum": Profile::ALL.map(Profile::name), "description": "How much of the suite was run." },
            "only": texts("The ids and patterns that checks were chosen by; left out if all of the profile were made."),
            "timeScale": { "type": "number", "minimum": 0.01, "maximum": 1, "description": "By what factor times were shortened." },
            "result": {
                "enum": ["passed", "failed", "undecided"],
                "description": "passed: at least one check holds, and nothing speaks against the balancer."
            },
            "statistics": object(
                &[],
                &json!({
                    "passed": count("Checks that hold."),
                    "failed": count("Checks that failed, the known ones with them."),
                    "known": count("Of those that failed, the ones all of whose failures are known of this version."),
                    "inconclusive": count("Checks that could not be decided, which is no pass."),
                    "unsupported": count("Checks that the balancer does not support, which is no pass."),
                    "skipped": count("Checks that were not made, which is no pass.")
                })
            ),
            "reproduce": object(
                &[],
                &json!({
                    "command": text("The command that repeats all of it, for a POSIX shell."),
                    "seed": { "type": "integer", "minimum": 0, "description": "The seed of everything random." }
                })
            ),
            "features": object(
                &[],
                &json!({
                    "supported": texts("What the manifest declares."),
                    "unsupported": texts("What it could declare and does not.")
                })
            ),
            "failedTests": failed_tests(),
            "stoppedRuns": stopped_runs(),
            "failedBeside": texts("Checks that failed in the same runs and were not asked for."),
            "checks": checks(),
            "runs": object(
                &[],
                &json!({
                    "scenarios": count("Scenarios that were run, or were to be run."),
                    "repeated": count("Runs made again because nothing failed in them and something was not decided.")
                })
            ),
            "timing": object(
                &[],
                &json!({
                    "wallSeconds": seconds,
                    "longestSeconds": seconds,
                    "longestScenario": text("The scenario of the longest run."),
                    "cpuSeconds": seconds,
                    "processors": { "type": "integer", "minimum": 1, "description": "How many there are." },
                    "allowedSeconds": seconds
                })
            )
        }),
    );
    schema["$schema"] = json!("https://json-schema.org/draft/2020-12/schema");
    schema["title"] = json!("lblab conformance report");
    schema
}

fn failed_tests() -> Json {
    list(&object(
        &["line", "known", "artefacts"],
        &json!({
            "check": text("The check."),
            "asserted": text("What it asserts."),
            "scenario": text("The scenario."),
            "line": { "type": "integer", "minimum": 1, "description": "The line of the scenario that expects it." },
            "summary": text("What was measured against what is allowed."),
            "known": known(),
            "evidence": texts("What speaks for the verdict, the most telling line first."),
            "reproduce": repeat(),
            "artefacts": record()
        }),
    ))
}

fn stopped_runs() -> Json {
    list(&object(
        &["known", "artefacts"],
        &json!({
            "scenario": text("The scenario."),
            "whose": { "enum": ["scenario", "environment", "balancer", "harness"], "description": "Whose fault it is." },
            "message": text("What went wrong."),
            "known": known(),
            "reproduce": repeat(),
            "artefacts": record()
        }),
    ))
}

fn checks() -> Json {
    list(&object(
        &["reason", "known"],
        &json!({
            "id": text("Its id, as `lblab explain` takes it."),
            "title": text("What it asserts."),
            "lbaas": { "type": "array", "items": { "enum": [1, 2] }, "description": "The versions of LBaaS that promise it." },
            "result": outcome(),
            "reason": text("Why it is no pass; of one that is, what of it was not supported."),
            "known": texts("If every failure of it is known, the findings."),
            "verdicts": object(
                &[],
                &json!({
                    "holds": count("Verdicts that hold, over all scenarios and members."),
                    "fails": count("Verdicts that fail."),
                    "inconclusive": count("Verdicts that could not be decided."),
                    "unsupported": count("Verdicts that are not supported.")
                })
            ),
            "scenarios": list(&object(
                &["artefacts"],
                &json!({ "scenario": text("Where it was made, or was to be made."), "result": outcome(), "artefacts": record() })
            ))
        }),
    ))
}

fn outcome() -> Json {
    json!({ "enum": ["failed", "inconclusive", "passed", "unsupported", "skipped"] })
}

fn record() -> Json {
    text("The folder with the run's record, of which `lblab judge` takes history.jsonl.")
}

fn known() -> Json {
    text("The finding by which it is known, an anchor in docs/findings.md.")
}

fn repeat() -> Json {
    text("The command that repeats this run alone.")
}

/// An object with these keys, of which all but `optional` are there.
fn object(optional: &[&str], properties: &Json) -> Json {
    let keys = properties.as_object().into_iter().flat_map(|properties| properties.keys());
    let required: Vec<&String> = keys.filter(|key| !optional.contains(&key.as_str())).collect();
    json!({ "type": "object", "required": required, "properties": properties })
}

fn list(items: &Json) -> Json {
    json!({ "type": "array", "items": items })
}

fn text(description: &str) -> Json {
    json!({ "type": "string", "description": description })
}

fn texts(description: &str) -> Json {
    json!({ "type": "array", "items": { "type": "string" }, "description": description })
}

fn count(description: &str) -> Json {
    json!({ "type": "integer", "minimum": 0, "description": description })
}
