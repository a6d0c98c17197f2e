//! `interfaces` of a host: normal on the way in, the same on the way out. Source: mackerel specification, 2.2.

use std::net::{Ipv4Addr, Ipv6Addr};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::read::invalid;
use crate::failure::Failure;
use crate::model::{Addresses, Host, Interface, Machine};

/// So many interfaces has a host.
const MOST_INTERFACES: usize = 1_000;
/// So many addresses of a family has an interface.
const MOST_ADDRESSES: usize = 1_000;
/// The name of what is made of the addresses that a host is known by.
const DEFAULT_NAME: &str = "default";

/// One interface as it is sent. A key that is null is missing.
#[derive(Debug, Clone, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct InterfaceRequest {
    name: String,
    mac_address: Option<String>,
    ipv4_addresses: Option<Vec<String>>,
    ipv6_addresses: Option<Vec<String>>,
    ip_address: Option<String>,
    ipv6_address: Option<String>,
}

/// One interface as it is answered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "camelCase")]
pub struct InterfacePart {
    name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    mac_address: Option<String>,
    /// Quirk: never null.
    ipv4_addresses: Vec<String>,
    ipv6_addresses: Vec<String>,
    /// The first of the list. Quirk: `mkr` prints this alone.
    #[serde(skip_serializing_if = "Option::is_none")]
    ip_address: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    ipv6_address: Option<String>,
}

impl InterfacePart {
    fn of(name: String, mac_address: Option<String>, ipv4_addresses: Vec<String>, ipv6_addresses: Vec<String>) -> Self {
        let (ip_address, ipv6_address) = (ipv4_addresses.first().cloned(), ipv6_addresses.first().cloned());
        Self { name, mac_address, ipv4_addresses, ipv6_addresses, ip_address, ipv6_address }
    }

    /// The interfaces of a host: those that it says it has, else one of the addresses that it is known by.
    pub fn of_host(host: &Host) -> Vec<Self> {
        let machine = host.facts.as_ref().and_then(|facts| facts.machine.as_ref());
        match machine.map(|machine| machine.interfaces.as_slice()) {
            None | Some([]) => Self::of_addresses(&host.addresses),
            Some(interfaces) => interfaces.iter().map(Self::of_interface).collect(),
        }
    }

    fn of_interface(interface: &Interface) -> Self {
        let mac = Some(interface.mac.clone()).filter(|mac| !mac.is_empty());
        let v4 = interface.v4.iter().map(ToString::to_string).collect();
        Self::of(interface.name.clone(), mac, v4, interface.v6.iter().map(ToString::to_string).collect())
    }

    fn of_addresses(addresses: &Addresses) -> Vec<Self> {
        let list = |text: &str| if text.is_empty() { vec![] } else { vec![text.to_owned()] };
        let (v4, v6) = (list(&addresses.v4), list(&addresses.v6));
        if v4.is_empty() && v6.is_empty() { vec![] } else { vec![Self::of(DEFAULT_NAME.to_owned(), None, v4, v6)] }
    }
}

/// The JSON list of interfaces, normal.
///
/// # Errors
/// [`Failure::Invalid`] for an interface without a name, an address that is none, or too many of them.
pub fn normal_json(interfaces: Vec<InterfaceRequest>) -> Result<String, Failure> {
    if interfaces.len() > MOST_INTERFACES {
        return Err(invalid("interfaces", "more than 1,000"));
    }
    let parts = interfaces.into_iter().map(normal).collect::<Result<Vec<_>, _>>()?;
    serde_json::to_string(&parts).map_err(|error| Failure::Internal(error.to_string()))
}

/// The interfaces of a list that is normal, in our words; nothing of one that is not.
pub fn machine_of(normal_json: &str) -> Option<Arc<Machine>> {
    let parts: Vec<InterfacePart> = serde_json::from_str(normal_json).unwrap_or_default();
    let interfaces: Vec<Interface> = parts.into_iter().map(Interface::from).collect();
    let mut machine = Machine { interfaces, ..Machine::default() };
    // What is too much is left out; agents of others are not told.
    machine.fit();
    (!machine.interfaces.is_empty()).then(|| Arc::new(machine))
}

impl From<InterfacePart> for Interface {
    fn from(part: InterfacePart) -> Self {
        Self {
            name: part.name,
            mac: part.mac_address.unwrap_or_default(),
            v4: part.ipv4_addresses.iter().filter_map(|address| address.parse().ok()).collect(),
            v6: part.ipv6_addresses.iter().filter_map(|address| address.parse().ok()).collect(),
        }
    }
}

fn normal(request: InterfaceRequest) -> Result<InterfacePart, Failure> {
    if request.name.is_empty() {
        return Err(invalid("interfaces", "an interface without a name"));
    }
    let v4 = addresses(request.ipv4_addresses, request.ip_address, |text| text.parse::<Ipv4Addr>().is_ok())?;
    let v6 = addresses(request.ipv6_addresses, request.ipv6_address, |text| text.parse::<Ipv6Addr>().is_ok())?;
    Ok(InterfacePart::of(request.name, request.mac_address, v4, v6))
}

/// The list wins over the single one.
fn addresses(
    list: Option<Vec<String>>,
    single: Option<String>,
    is_address: fn(&str) -> bool,
) -> Result<Vec<String>, Failure> {
    let addresses = list.unwrap_or_else(|| single.into_iter().filter(|text| !text.is_empty()).collect());
    match addresses.iter().find(|text| !is_address(text)) {
        Some(wrong) => Err(invalid("interfaces", format!("{wrong} is no plain address of its family"))),
        None if addresses.len() > MOST_ADDRESSES => Err(invalid("interfaces", "more than 1,000 addresses")),
        None => Ok(addresses),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn normalized(json: &str) -> Result<String, Failure> {
        normal_json(serde_json::from_str(json).unwrap())
    }

    #[test]
    fn lists_and_single_addresses_become_both() {
        let both = r#"[{"name":"eth0","ipv4Addresses":["192.0.2.2"],"ipv6Addresses":[],"ipAddress":"192.0.2.2"}]"#;
        assert_eq!(normalized(r#"[{"name":"eth0","ipv4Addresses":["192.0.2.2"]}]"#).unwrap(), both);
        assert_eq!(normalized(r#"[{"name":"eth0","ipAddress":"192.0.2.2","ipv6Address":null}]"#).unwrap(), both);
        let array_wins = r#"[{"name":"eth0","ipv4Addresses":["192.0.2.2"],"ipAddress":"192.0.2.9"}]"#;
        assert_eq!(normalized(array_wins).unwrap(), both);
        assert_eq!(normalized(both).unwrap(), both, "what was answered is taken");
        let v6 = r#"[{"name":"e","macAddress":"02:fc:00:00:00:01","ipv6Addresses":["fd00::2","fe80::1"]}]"#;
        let expected = r#"[{"name":"e","macAddress":"02:fc:00:00:00:01","ipv4Addresses":[],"ipv6Addresses":["fd00::2","fe80::1"],"ipv6Address":"fd00::2"}]"#;
        assert_eq!(normalized(v6).unwrap(), expected);
        assert_eq!(normalized("[]").unwrap(), "[]");
    }

    #[test]
    fn what_the_rust_client_could_not_parse_is_refused() {
        for bad in [
            r#"[{"name":""}]"#,
            r#"[{"name":"e","ipAddress":"192.0.2.2/24"}]"#,
            r#"[{"name":"e","ipAddress":"fd00::2"}]"#,
            r#"[{"name":"e","ipv6Addresses":["fe80::1%eth0"]}]"#,
            r#"[{"name":"e","ipv4Addresses":["x"]}]"#,
        ] {
            assert!(matches!(normalized(bad), Err(Failure::Invalid { .. })), "{bad}");
        }
    }

    #[test]
    fn a_normal_list_is_what_the_machine_has() {
        let json = normalized(
            r#"[{"name":"eth0","macAddress":"02:fc:00:00:00:01","ipAddress":"192.0.2.2","ipv6Addresses":["fd00::2"]},{"name":"e"}]"#,
        );
        let machine = machine_of(&json.unwrap()).unwrap();
        let (v4, v6) = (vec!["192.0.2.2".parse().unwrap()], vec!["fd00::2".parse().unwrap()]);
        let bare = Interface { name: "e".to_owned(), mac: String::new(), v4: vec![], v6: vec![] };
        let eth0 = Interface { name: "eth0".to_owned(), mac: "02:fc:00:00:00:01".to_owned(), v4, v6 };
        assert_eq!(machine.interfaces, [eth0, bare]);
        assert_eq!((machine_of("[]"), machine_of("{}"), machine_of("")), (None, None, None));
    }

    #[test]
    fn known_addresses_make_an_interface_and_none_make_none() {
        let addresses = Addresses { v4: "192.0.2.2".to_owned(), v6: String::new() };
        let json = serde_json::to_string(&InterfacePart::of_addresses(&addresses)).unwrap();
        assert_eq!(
            json,
            r#"[{"name":"default","ipv4Addresses":["192.0.2.2"],"ipv6Addresses":[],"ipAddress":"192.0.2.2"}]"#
        );
        assert_eq!(InterfacePart::of_addresses(&Addresses::default()), []);
    }
}
