//! Every page of /docs: from Markdown, from the documents of the APIs, and from the table of metrics.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::{fs, io};

use edgewatch_core::dialects::native::prometheus::FAMILIES;

use crate::openapi;
use crate::page::{escape, page};
use crate::{markdown, reference};

/// The look of all pages.
pub const STYLE: &str = include_str!("docs.css");

/// A page: where it is below /docs, and its HTML.
type Page = (String, String);

/// Every page, the index first. `sources`: where the Markdown is.
///
/// # Errors
/// When a file cannot be read.
pub fn pages(sources: &Path) -> io::Result<Vec<Page>> {
    let (guides, told) = (written(&sources.join("guides"), "guides/")?, written(sources, "")?);
    let mut apis = Vec::new();
    let mut pages = Vec::new();
    for (file, api) in openapi::all() {
        let name = file.strip_prefix("openapi/").and_then(|name| name.strip_suffix(".json")).unwrap_or("native");
        pages.push((format!("api/{name}"), reference::render(&api.document(), &format!("/{file}"))));
        apis.push((format!("/docs/api/{name}"), api.title.to_owned(), String::new()));
    }
    let entry = |(path, title, _): &(String, String, String)| (format!("/docs/{path}"), title.clone(), String::new());
    let mut index = "<h1>Documentation</h1>\n<h2 id=\"guides\">Guides</h2>\n".to_owned();
    index.push_str(&markdown::list(&guides.iter().map(entry).collect::<Vec<_>>()));
    index.push_str("<h2 id=\"apis\">APIs</h2>\n");
    index.push_str(&markdown::list(&apis));
    index.push_str("<h2 id=\"more\">More</h2>\n");
    let metrics = ("/docs/metrics".to_owned(), "Metrics for Prometheus".to_owned(), String::new());
    index.push_str(&markdown::list(&told.iter().map(entry).chain([metrics]).collect::<Vec<_>>()));
    pages.insert(0, ("index".to_owned(), page("Documentation", &index)));
    pages.extend(guides.into_iter().chain(told).map(|(path, title, html)| (path, page(&title, &html))));
    pages.push(("metrics".to_owned(), metrics_page()));
    Ok(pages)
}

/// The Markdown files of a folder by name: where their pages are, their titles, and their HTML.
fn written(folder: &Path, prefix: &str) -> io::Result<Vec<(String, String, String)>> {
    let mut files: Vec<PathBuf> =
        fs::read_dir(folder)?.map(|entry| entry.map(|entry| entry.path())).collect::<Result<_, _>>()?;
    files.retain(|file| file.extension().is_some_and(|extension| extension == "md"));
    files.sort();
    let mut pages = Vec::new();
    for file in files {
        let name = file.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
        let (title, html) = markdown::render(&fs::read_to_string(&file)?);
        pages.push((format!("{prefix}{name}"), title, html));
    }
    Ok(pages)
}

fn metrics_page() -> String {
    let (_, mut main) = markdown::render(include_str!("metrics.md"));
    main.push_str("<h2 id=\"names\">Names</h2>\n<table>\n<thead><tr><th>Name</th><th>Kind</th><th>Labels</th><th>What it is</th></tr></thead>\n<tbody>\n");
    for family in FAMILIES {
        let labels: Vec<String> = family.labels.iter().map(|label| format!("<code>{label}</code>")).collect();
        let _ = writeln!(
            main,
            "<tr><td><code>{}</code></td><td>{}</td><td>{}</td><td>{}</td></tr>",
            family.name,
            family.kind.word(),
            labels.join(" "),
            escape(family.help)
        );
    }
    main.push_str("</tbody>\n</table>\n");
    page("Metrics for Prometheus", &main)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    fn all() -> Vec<Page> {
        pages(Path::new(env!("CARGO_MANIFEST_DIR"))).expect("the pages")
    }

    #[test]
    fn no_page_runs_or_fetches_anything_that_the_policy_forbids() {
        for (path, html) in all() {
            for forbidden in ["<script", " style=", "<style", "javascript:", " onclick", " src="] {
                assert!(!html.contains(forbidden), "{path}: {forbidden}");
            }
            let name = |part: &str| {
                part.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
            };
            assert!(path.split('/').count() <= 2 && path.split('/').all(name), "{path}: not served");
        }
    }

    #[test]
    fn every_link_within_the_documentation_leads_somewhere() {
        let pages = all();
        let known: BTreeSet<String> = pages.iter().map(|(path, _)| format!("/docs/{path}")).collect();
        for (path, html) in &pages {
            for link in html.split("href=\"").skip(1).filter_map(|part| part.split('"').next()) {
                let (file, part) = link.split_once('#').unwrap_or((link, ""));
                if file.is_empty() {
                    assert!(html.contains(&format!("id=\"{part}\"")), "{path}: {link}");
                } else if file.starts_with("/docs/") && file != "/docs/docs.css" {
                    assert!(known.contains(file), "{path}: {link}");
                    let other =
                        pages.iter().find(|(path, _)| format!("/docs/{path}") == file).map_or("", |(_, html)| html);
                    assert!(part.is_empty() || other.contains(&format!("id=\"{part}\"")), "{path}: {link}");
                }
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
            let name = file.strip_prefix("openapi/").and_then(|name| name.strip_suffix(".json")).unwrap_or("native");
            let html = of(&format!("api/{name}"));
            assert_eq!(html.matches("<details class=\"operation\"").count(), api.operations.len(), "{name}");
        }
    }
}
