//! The query of a request's address, and bodies that are written like one.

use http::{HeaderMap, header};

/// The decoded pairs of a query, in the order sent.
pub fn pairs(query: Option<&str>) -> Vec<(String, String)> {
    form_urlencoded::parse(query.unwrap_or_default().as_bytes()).into_owned().collect()
}

/// The first value of `key`, or an empty text.
pub fn first<'a>(pairs: &'a [(String, String)], key: &str) -> &'a str {
    pairs.iter().find(|(name, _)| name == key).map_or("", |(_, value)| value.as_str())
}

/// The decoded pairs of a body that is a form; `None` for one that is JSON, whatever its type is said to be: clients send that with
/// the type of a form too.
pub fn form(headers: &HeaderMap, body: &[u8]) -> Option<Vec<(String, String)>> {
    let content_type = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let is_form = content_type.to_ascii_lowercase().starts_with("application/x-www-form-urlencoded");
    let is_object = body.trim_ascii_start().starts_with(b"{");
    (is_form && !is_object).then(|| form_urlencoded::parse(body).into_owned().collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use http::HeaderValue;

    #[test]
    fn a_form_says_so_and_does_not_look_like_json() {
        let typed =
            |content_type| HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        let urlencoded = typed("application/x-www-form-urlencoded; charset=utf-8");
        assert_eq!(form(&urlencoded, b"Password=a+b"), Some(vec![("Password".to_owned(), "a b".to_owned())]));
        assert_eq!(form(&urlencoded, b"  {\"Password\":\"a\"}"), None);
        assert_eq!(form(&typed("application/json"), b"Password=a"), None);
        assert_eq!(form(&HeaderMap::new(), b"Password=a"), None);
    }
}
