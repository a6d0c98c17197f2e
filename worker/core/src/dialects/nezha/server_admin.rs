//! `POST /api/server`, `POST /api/batch-update-server-group`, `GET /api/search-server`. Source: nezha specification, 7.2.

use serde::Serialize;

use super::Form;
use crate::failure::Failure;
use crate::model::{HostEdit, HostId};

/// The longest note, in bytes.
const MAX_NOTE_BYTES: usize = 16_384;

/// The body of `POST /api/server`: a server to make, or the whole of one that is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ServerForm {
    /// 0 or missing: a new one.
    pub id: i64,
    /// What it is to be.
    pub edit: HostEdit,
}

impl ServerForm {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what is no such object, no name, or no `DDNSProfilesRaw` that is JSON: it is asked for and not used.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        let form = Form::parse(body)?;
        let name = form.text("Name")?;
        if name.is_empty() {
            // Quirk: the words of the original's validator.
            let detail = "Key: 'serverForm.Name' Error:Field validation for 'Name' failed on the 'required' tag";
            return Err(Failure::Malformed { detail: detail.to_owned() });
        }
        form.raw("DDNSProfilesRaw")?;
        let secret = form.text("Secret")?;
        Ok(Self {
            id: form.int("ID")?,
            edit: HostEdit {
                name: name.to_owned(),
                tag: form.text("Tag")?.to_owned(),
                note: form.long_text("Note", MAX_NOTE_BYTES)?.to_owned(),
                public_note: form.long_text("PublicNote", MAX_NOTE_BYTES)?.to_owned(),
                display_index: form.int("DisplayIndex")?,
                hidden_for_guest: form.on("HideForGuest")?,
                secret: (!secret.is_empty()).then(|| secret.to_owned()),
            },
        })
    }
}

/// The body of `POST /api/batch-update-server-group`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupForm {
    /// Which servers.
    pub servers: Vec<HostId>,
    /// Their new group.
    pub group: String,
}

impl GroupForm {
    /// Reads a body.
    ///
    /// # Errors
    /// [`Failure::Malformed`] for what is no such object.
    pub fn parse(body: &[u8]) -> Result<Self, Failure> {
        let form = Form::parse(body)?;
        let servers = form.ints("Servers")?.into_iter().map(HostId).collect();
        Ok(Self { servers, group: form.text("Group")?.to_owned() })
    }
}

/// The answer to a search.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SearchReply {
    /// Quirk: null, not an empty list, where nothing was found.
    pub results: Option<Vec<SearchResult>>,
    /// true.
    pub success: bool,
}

/// Something found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
pub struct SearchResult {
    /// Its name.
    pub name: String,
    /// Its id.
    pub value: i64,
    /// Its name again.
    pub text: String,
}

impl SearchReply {
    /// What was found: ids and names.
    pub fn of(found: Vec<(i64, String)>) -> Self {
        let result = |(value, name): (i64, String)| SearchResult { text: name.clone(), name, value };
        let results: Vec<SearchResult> = found.into_iter().map(result).collect();
        Self { results: (!results.is_empty()).then_some(results), success: true }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_server_is_read_whole() {
        let body = br#"{"id":7,"Name":"fra-1","Secret":"","Tag":"EU","DisplayIndex":-2,"Note":"n","PublicNote":"{}",
            "HideForGuest":"on","EnableDDNS":"on","DDNSProfilesRaw":"[]"}"#;
        let form = ServerForm::parse(body).unwrap();
        assert_eq!((form.id, form.edit.display_index, form.edit.hidden_for_guest), (7, -2, true));
        assert_eq!((form.edit.public_note.as_str(), form.edit.secret), ("{}", None));
        let new = ServerForm::parse(br#"{"Name":"x","DDNSProfilesRaw":"[]","Secret":"s"}"#).unwrap();
        assert_eq!((new.id, new.edit.hidden_for_guest, new.edit.secret.as_deref()), (0, false, Some("s")));
    }

    #[test]
    fn a_server_needs_a_name_and_the_profiles() {
        for body in [
            "",
            "{}",
            r#"{"Name":"","DDNSProfilesRaw":"[]"}"#,
            r#"{"Name":"x"}"#,
            r#"{"Name":"x","DDNSProfilesRaw":""}"#,
            r#"{"Name":1,"DDNSProfilesRaw":"[]"}"#,
        ] {
            assert!(matches!(ServerForm::parse(body.as_bytes()), Err(Failure::Malformed { .. })), "{body}");
        }
    }

    #[test]
    fn a_group_is_given_to_servers() {
        let form = GroupForm::parse(br#"{"Servers":[3,4],"Group":"EU"}"#).unwrap();
        assert_eq!((form.servers, form.group.as_str()), (vec![HostId(3), HostId(4)], "EU"));
        assert!(GroupForm::parse(br#"{"Servers":"3"}"#).is_err());
    }

    #[test]
    fn nothing_found_is_null() {
        let json = |found| serde_json::to_string(&SearchReply::of(found)).unwrap();
        assert_eq!(json(vec![]), r#"{"results":null,"success":true}"#);
        assert_eq!(
            json(vec![(12, "n".to_owned())]),
            r#"{"results":[{"name":"n","value":12,"text":"n"}],"success":true}"#
        );
    }
}
