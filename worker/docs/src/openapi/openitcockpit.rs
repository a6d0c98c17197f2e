//! openITCOCKPIT's push mode, as its agents and programs of its administrators call it.

use edgewatch_core::dialects::openitcockpit;
use edgewatch_core::failure::Failure;
use schemars::{JsonSchema, SchemaGenerator};
use serde_json::{Value, json};

use super::document::Api;
use super::operation::{Describe, Operation, Who, get, group, post};

const AGENT: Who =
    Who { words: "a token with the scope `register` or of the kind `agent`", schemes: &["apiKey"], optional: false };
const ADMIN: Who = Who { words: "a token with the scope `admin`", schemes: &["apiKey"], optional: false };

/// What an agent sends with its results or packages.
#[derive(JsonSchema)]
#[expect(dead_code, reason = "what it looks like is all that is wanted of it")]
struct Envelope<T> {
    /// What was found.
    checkdata: T,
    /// The agent's UUID.
    agentuuid: String,
    /// The password that it was given when it registered.
    password: String,
}

/// The API.
pub fn api() -> Api {
    Api {
        title: "openITCOCKPIT's push mode",
        description: "Where stock openITCOCKPIT agents (3.x) push to, and what programs of its administrators ask. The paths are answered below \
                      any prefix, so the agent's `url` may be this deployment's address with a path behind it.\n\nNothing redirects and nothing is \
                      HTML. A result may have up to 16 MiB.",
        tags: &[("Agents", "What agents send."), ("Administration", "Which agent speaks for which host.")],
        security: json!({
            "apiKey": {
                "type": "apiKey", "in": "header", "name": "Authorization",
                "description": "`X-OITC-API` and a token, with a space between them.",
            },
        }),
        names: &[("id", "The agent's number.")],
        operations: operations(),
        error: |_| DESCRIBE_ERROR,
        render: |_, failure: &Failure| {
            let (status, body) = openitcockpit::render(failure);
            (status, serde_json::to_value(body).unwrap_or(Value::Null))
        },
    }
}

const DESCRIBE_ERROR: Describe =
    |generator: &mut SchemaGenerator| generator.subschema_for::<openitcockpit::ProblemReply>();

fn operations() -> Vec<Operation> {
    let agents = group(
        "Agents",
        vec![
            post(
                "/agentconnector/register_agent.json",
                "Registers an agent, or says that its password is good.",
                AGENT,
            )
            .takes::<openitcockpit::RegisterRequest>()
            .gives::<openitcockpit::KnownReply>(200)
            .gives::<openitcockpit::RegisteredReply>(201),
            post(
                "/agentconnector/submit_checkdata.json",
                "Takes an agent's results: they are durable when this is answered.",
                AGENT,
            )
            .takes::<Envelope<openitcockpit::result::Document>>()
            .gives::<openitcockpit::ReceivedReply>(200),
            post("/agentconnector/submit_package_info.json", "Takes what is installed on an agent's machine.", AGENT)
                .takes::<Envelope<openitcockpit::result::Inventory>>()
                .gives::<openitcockpit::SuccessReply>(200),
        ],
    );
    let administration = group(
        "Administration",
        vec![
            get("/agentconnector/push.json", "Every agent that pushes, the newest first.", ADMIN)
                .gives::<openitcockpit::PushListReply>(200),
            get(
                "/agentconnector/select_agent.json",
                "The agents that could speak for a host, and the one that does.",
                ADMIN,
            )
            .needs("hostId", "The host's number.")
            .gives::<openitcockpit::SelectReply>(200),
            post("/agentconnector/select_agent.json", "Lets an agent speak for a host, or none.", ADMIN)
                .takes::<openitcockpit::SelectRequest>()
                .gives::<openitcockpit::SuccessReply>(200),
            get("/agentconnector/showOutput.json", "What an agent pushed last.", ADMIN)
                .needs("id", "The agent's number.")
                .gives::<openitcockpit::OutputReply<'static>>(200),
            post("/agentconnector/delete_push_agent/{id}.json", "Forgets an agent.", ADMIN)
                .gives::<openitcockpit::SuccessReply>(200),
        ],
    );
    [agents, administration].concat()
}
