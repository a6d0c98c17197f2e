//! How metrics are drawn. Source: mackerel specification, 5.4.

use serde_json::json;

use super::{Mackerel, audited};

const CREATE: &str = "/graph-defs/create";

#[test]
fn definitions_are_put_replaced_and_deleted() {
    let mackerel = Mackerel::start();
    let dice = |unit: &str| {
        json!([{
            "name": "custom.dice", "displayName": "My Dice", "unit": unit,
            "metrics": [{ "name": "custom.dice.d6", "displayName": "Die", "isStacked": false }, { "name": "custom.dice.*" }]
        }])
    };
    assert_eq!(mackerel.done("POST", CREATE, &dice("integer")), json!({ "success": true }));
    let stored =
        || mackerel.worker.sql("SELECT name, display_name, unit FROM graph_defs ORDER BY name")["results"].clone();
    let row = |unit: &str| json!([{ "name": "custom.dice", "display_name": "My Dice", "unit": unit }]);
    assert_eq!(stored(), row("integer"));
    mackerel.done("POST", CREATE, &dice("bytes/sec"));
    assert_eq!(stored(), row("bytes/sec"));
    assert_eq!(mackerel.call("DELETE", "/graph-defs", r#"{"name":"custom.dice"}"#).body, r#"{"success":true}"#);
    assert_eq!(stored(), json!([]));
    assert_eq!(mackerel.call("DELETE", "/graph-defs", r#"{"name":"custom.dice"}"#).status, 400, "not 404");
    assert_eq!((audited(&mackerel.worker, "graph_defs.put"), audited(&mackerel.worker, "graph_defs.delete")), (2, 2));
    assert_eq!(mackerel.call("POST", CREATE, "[]").body, r#"{"success":true}"#);
}

#[test]
fn a_bad_one_among_good_ones_puts_none() {
    let mackerel = Mackerel::start();
    let good = json!({ "name": "custom.good", "metrics": [] });
    for bad in [
        json!({ "name": "cpu", "metrics": [] }),
        json!({ "name": "custom.a", "unit": "furlongs", "metrics": [] }),
        json!({ "name": "custom.a", "metrics": [{ "name": "custom.b.c" }] }),
        json!({ "name": "custom.a" }),
    ] {
        assert_eq!(mackerel.call("POST", CREATE, &json!([good, bad]).to_string()).status, 400, "{bad}");
    }
    for bad in ["null", "{}", ""] {
        assert_eq!(mackerel.call("POST", CREATE, bad).status, 400, "{bad}");
        assert_eq!(mackerel.call("DELETE", "/graph-defs", bad).status, 400, "{bad}");
    }
    assert_eq!(mackerel.worker.sql("SELECT name FROM graph_defs")["results"], json!([]));
}
