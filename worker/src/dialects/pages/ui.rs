//! The style of the pages that the Worker writes itself, below `/ui/<version>/`: the version stands for their content, so that a
//! browser keeps them for good. They are in the Worker, so that these pages look right where nothing else is there.

use std::sync::OnceLock;

use axum::response::Response;
use http::{HeaderValue, header};

use crate::http::answer;

const STYLE: HeaderValue = HeaderValue::from_static("text/css; charset=utf-8");
const IMAGE: HeaderValue = HeaderValue::from_static("image/svg+xml");
const FOR_GOOD: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// What stands in a page where the version belongs.
const PLACEHOLDER: &str = "__VERSION__";
static FILES: [(&str, HeaderValue, &str); 3] = [
    ("status.css", STYLE, include_str!("ui/status.css")),
    ("style.css", STYLE, include_str!("ui/style.css")),
    ("icon.svg", IMAGE, include_str!("ui/icon.svg")),
];

/// The version of all files together: 16 hexadecimal digits.
pub fn version() -> &'static str {
    static VERSION: OnceLock<String> = OnceLock::new();
    VERSION.get_or_init(|| {
        // FNV-1a: it has to differ, not to be secret.
        let bytes = FILES.iter().flat_map(|(_, _, text)| text.bytes());
        let hash =
            bytes.fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3));
        format!("{hash:016x}")
    })
}

/// A page with the addresses of this version's files in it.
pub fn page(html: &str) -> String {
    html.replace(PLACEHOLDER, version())
}

/// A file of a version; `None` when there is none of this name. A page of an earlier deployment, still open while this one
/// came, gets what there is, and nobody keeps it.
pub fn file(wanted_version: &str, name: &str) -> Option<Response> {
    let (_, content_type, text) = FILES.iter().find(|(known, _, _)| *known == name)?;
    let mut response = answer::with_body(200, content_type.clone(), text.as_bytes().to_vec());
    if wanted_version == version() {
        response.headers_mut().insert(header::CACHE_CONTROL, FOR_GOOD);
    }
    Some(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn cache(version: &str) -> Option<String> {
        let response = file(version, "style.css")?;
        Some(response.headers().get(header::CACHE_CONTROL)?.to_str().ok()?.to_owned())
    }

    #[test]
    fn this_version_is_kept_and_another_is_not() {
        assert!(cache(version()).is_some_and(|text| text.contains("immutable")));
        assert_eq!(cache("0123").as_deref(), Some("no-store"));
        assert!(file(version(), "nothing.css").is_none());
    }

    #[test]
    fn every_file_that_a_page_names_is_there() {
        let pages = [include_str!("unbuilt.html"), include_str!("lost.html"), include_str!("frame.html")];
        let others = [include_str!("closed.html"), include_str!("members.html"), include_str!("wrong.html")];
        let pages = [pages, others].concat().into_iter().map(page).collect::<String>();
        assert!(!pages.contains(PLACEHOLDER));
        let named = pages.split('"').filter_map(|part| part.strip_prefix("/ui/")).map(str::to_owned);
        let prefix = format!("{}/", version());
        let all: Vec<String> = named.collect();
        assert!(all.len() >= 6, "{all:?}");
        for path in all {
            let name = path.strip_prefix(&prefix).unwrap_or_else(|| panic!("{path} is of another version"));
            assert!(file(version(), name).is_some(), "{path}");
        }
    }
}
