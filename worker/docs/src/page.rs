//! A page of /docs: HTML without a script and without a style of its own, so that the Worker's policy lets it be.

/// What is never markup.
pub fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for one in text.chars() {
        match one {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            one => escaped.push(one),
        }
    }
    escaped
}

/// The whole page around its own part.
pub fn page(title: &str, main: &str) -> String {
    let title = escape(title);
    format!(
        "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} · Edgewatch</title>\n\
         <link rel=\"icon\" href=\"/favicon.svg\">\n<link rel=\"stylesheet\" href=\"/docs/docs.css\">\n</head>\n<body>\n\
         <header><a href=\"/\">Edgewatch</a> <nav aria-label=\"Documentation\"><a href=\"/docs\">Documentation</a> \
         <a href=\"/docs/api/native\">API</a> <a href=\"/docs/metrics\">Metrics</a></nav></header>\n\
         <main>\n{main}</main>\n</body>\n</html>\n"
    )
}

/// The name of a part of a page in its address.
pub fn slug(text: &str) -> String {
    let mut slug = String::new();
    for one in text.chars() {
        if one.is_alphanumeric() {
            slug.extend(one.to_lowercase());
        } else if !slug.is_empty() && !slug.ends_with('-') {
            slug.push('-');
        }
    }
    slug.trim_end_matches('-').to_owned()
}
