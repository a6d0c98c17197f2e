//! A page of /docs: HTML without a script and without a style of its own, so that the Worker's policy lets it be.

use std::fmt::Write;

/// One page, before it has its frame.
#[derive(Debug, Clone)]
pub struct Page {
    /// Where it is below /docs.
    pub path: String,
    /// What it is called.
    pub title: String,
    /// What it is about, in a sentence or two without markup.
    pub summary: String,
    /// Its parts: their names in its address, and their headings.
    pub parts: Vec<(String, String)>,
    /// Its own HTML.
    pub main: String,
}

/// Pages that belong together.
#[derive(Debug)]
pub struct Section {
    /// What they are together.
    pub name: &'static str,
    /// The pages.
    pub pages: Vec<Page>,
}

impl Page {
    /// Its address.
    pub fn address(&self) -> String {
        if self.path == "index" { "/docs".to_owned() } else { format!("/docs/{}", self.path) }
    }

    /// The whole page, beside what else there is to read.
    pub fn framed(&self, sections: &[Section]) -> String {
        let (title, summary, main) = (escape(&self.title), escape(&self.summary), &self.main);
        let contents = self.contents(sections);
        format!(
            "<!DOCTYPE html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
             <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
             <meta name=\"color-scheme\" content=\"light dark\">\n<title>{title} · Edgewatch</title>\n\
             <meta name=\"description\" content=\"{summary}\">\n<link rel=\"icon\" href=\"/favicon.svg\">\n\
             <link rel=\"stylesheet\" href=\"/docs/docs.css\">\n</head>\n<body>\n\
             <a class=\"skip\" href=\"#main\">To the content</a>\n\
             <header><a class=\"brand\" href=\"/\">Edgewatch</a> <a href=\"/docs\">Documentation</a> \
             <a class=\"to-contents\" href=\"#contents\">Contents</a></header>\n\
             <main id=\"main\" tabindex=\"-1\">\n{main}</main>\n\
             <nav id=\"contents\" aria-label=\"Documentation\">\n{contents}</nav>\n</body>\n</html>\n"
        )
    }

    /// Every page, this one with its parts.
    fn contents(&self, sections: &[Section]) -> String {
        let mut html = String::new();
        for section in sections {
            let _ = write!(html, "<h2>{}</h2>\n<ul>\n", escape(section.name));
            for page in &section.pages {
                let (address, title) = (page.address(), escape(&page.title));
                if page.path != self.path {
                    let _ = writeln!(html, "<li><a href=\"{address}\">{title}</a></li>");
                    continue;
                }
                let _ = write!(html, "<li><a href=\"{address}\" aria-current=\"page\">{title}</a>");
                if page.parts.len() > 1 {
                    html.push_str("\n<ul>\n");
                    for (id, heading) in &page.parts {
                        let _ = writeln!(html, "<li><a href=\"#{id}\">{}</a></li>", escape(heading));
                    }
                    html.push_str("</ul>\n");
                }
                html.push_str("</li>\n");
            }
            html.push_str("</ul>\n");
        }
        html
    }
}

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

/// A heading that leads to itself, so that its address can be copied.
pub fn heading(level: u8, id: &str, text: &str) -> String {
    format!("<h{level} id=\"{id}\"><a href=\"#{id}\">{}</a></h{level}>\n", escape(text))
}
