//! Every page of /docs: from Markdown, from the documents of the APIs, and from the table of metrics.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use edgewatch_core::dialects::native::prometheus::FAMILIES;

use crate::openapi;
use crate::page::{Page, Section, escape, heading, slug};
use crate::{markdown, reference};

/// The look of all pages.
pub const STYLE: &str = include_str!("docs.css");

/// Every page, the index first: where it is below /docs, and its HTML. `sources`: where the Markdown is.
///
/// # Errors
/// When a file cannot be read.
pub fn pages(sources: &Path) -> io::Result<Vec<(String, String)>> {
    let apis = openapi::all()
        .into_iter()
        .map(|(file, api)| reference::render(format!("api/{}", name_of(file)), &api.document(), &format!("/{file}")));
    let mut sections = vec![
        Section { name: "Guides", pages: written(&sources.join("guides"), "guides/")? },
        Section { name: "APIs", pages: apis.collect() },
        Section { name: "More", pages: written(sources, "")? },
    ];
    if let Some(more) = sections.last_mut() {
        more.pages.push(metrics());
    }
    let start = index(&sections);
    let all = std::iter::once(&start).chain(sections.iter().flat_map(|section| &section.pages));
    Ok(all.map(|page| (page.path.clone(), page.framed(&sections))).collect())
}

/// What an API's page is called, by its document.
fn name_of(file: &str) -> &str {
    file.strip_prefix("openapi/").and_then(|name| name.strip_suffix(".json")).unwrap_or("native")
}

fn index(sections: &[Section]) -> Page {
    let mut main = "<h1>Documentation</h1>\n".to_owned();
    let summary = "How hosts are added, how programs for other products find their way, and every route.".to_owned();
    let _ = writeln!(main, "<p>{summary}</p>");
    for section in sections {
        main.push_str(&heading(2, &slug(section.name), section.name));
        main.push_str("<dl class=\"pages\">\n");
        for page in &section.pages {
            let (address, title, summary) = (page.address(), escape(&page.title), escape(&page.summary));
            let _ = writeln!(main, "<dt><a href=\"{address}\">{title}</a></dt>\n<dd>{summary}</dd>");
        }
        main.push_str("</dl>\n");
    }
    Page { path: "index".to_owned(), title: "Documentation".to_owned(), summary, parts: vec![], main }
}

/// The Markdown files of a folder, by name.
fn written(folder: &Path, prefix: &str) -> io::Result<Vec<Page>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    let mut pages = Vec::new();
    for file in files {
        let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        pages.push(markdown::render(format!("{prefix}{name}"), &fs::read_to_string(&file)?));
    }
    Ok(pages)
}

fn metrics() -> Page {
    let mut page = markdown::render("metrics".to_owned(), include_str!("metrics.md"));
    page.main.push_str(&heading(2, "names", "Names"));
    page.main.push_str(
        "<table class=\"rows\">\n<thead><tr><th>Name</th><th>Kind</th><th>Labels</th><th>What it is</th></tr></thead>\n<tbody>\n",
    );
    for family in FAMILIES {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("<code>{label}</code>")).collect();
        let _ = writeln!(
            page.main,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>",
            family.name,
            family.kind.word(),
            labels.join(" "),
            escape(family.help)
        );
    }
    page.main.push_str("</tbody>\n</table>\n");
    page
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all() -> Vec<(String, String)> {
        pages(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the pages")
    }

    /// The values of an attribute.
    fn values<'a>(html: &'a str, attribute: &str) -> Vec<&'a str> {
        let mark = format!(" {attribute}=\"");
        html.split(mark.as_str()).skip(1).filter_map(|part| part.split('"').next()).collect::<Vec<&str>>()
    }

    #[test]
    fn no_page_runs_or_fetches_anything_that_the_policy_forbids() {
        for (path, html) in all() {
            for forbidden in ["<script", " style=", "<style", "javascript:", " onclick", " src=", "<iframe", "<form"] {
                assert!(!html.contains(forbidden), "{path}: {forbidden}");
            }
            let name = |part: &str| {
                part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            };
            assert!(path.split('/').count() <= 2 && path.split('/').all(name), "{path}: not served");
        }
    }

    #[test]
    fn every_page_says_what_it_is_once_and_can_be_skipped_to() {
        for (path, html) in all() {
            for once in ["<html lang=\"en\">", "<h1>", "<main id=\"main\"", "<a class=\"skip\" href=\"#main\">"] {
                assert_eq!(html.matches(once).count(), 1, "{path}: {once}");
            }
            assert!(!html.contains("<meta name=\"description\" content=\"\">"), "{path}: no summary");
            let mut ids = BTreeSet::new();
            let twice: Vec<&str> = values(&html, "id").into_iter().filter(|id| !ids.insert(*id)).collect();
            assert!(twice.is_empty(), "{path}: {twice:?}");
        }
    }

    #[test]
    fn every_link_within_the_documentation_leads_somewhere() {
        let pages = all();
        let address = |path: &str| if path == "index" { "/docs".to_owned() } else { format!("/docs/{path}") };
        for (path, html) in &pages {
            for link in values(html, "href") {
                let (file, part) = link.split_once('#').unwrap_or((link, ""));
                let other = match file {
                    "" => Some(html),
                    _ => pages.iter().find(|(path, _)| address(path) == file).map(|(_, html)| html),
                };
                let is_elsewhere = !file.is_empty() && (!file.starts_with("/docs") || file == "/docs/docs.css");
                assert!(other.is_some() || is_elsewhere, "{path}: {link}");
                let has = |html: &String| part.is_empty() || html.contains(&format!(" id=\"{part}\""));
                assert!(other.is_none_or(has), "{path}: {link}");
            }
        }
    }

    #[test]
    fn every_metric_and_every_operation_is_on_a_page() {
        let pages = all();
        let of = |wanted: &str| {
            pages.iter().find(|(path, _)| path == wanted).map(|(_, html)| html.as_str()).expect("a page")
        };
        assert!(FAMILIES.iter().all(|family| of("metrics").contains(family.name)));
        for (file, api) in openapi::all() {
            let name = name_of(file);
            let html = of(&format!("api/{name}"));
            assert_eq!(html.matches("<details class=\"operation\"").count(), api.operations.len(), "{name}");
        }
    }
}
