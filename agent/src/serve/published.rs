//! What the server shows: put here by those who make it, read by those who ask.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// The answer while there is nothing.
const EMPTY: &[u8] = b"{}";

/// What is shown at present.
#[derive(Debug, Default)]
pub struct Published(Mutex<Shown>);

#[derive(Debug, Default)]
struct Shown {
    document: Option<Arc<[u8]>>,
    packages: Option<Arc<[u8]>>,
    exporters: BTreeMap<String, Option<Page>>,
}

#[derive(Debug)]
struct Page {
    text: Arc<[u8]>,
    until: Instant,
}

impl Published {
    /// Nothing yet, but for the names of exporters and the inventory before the first one.
    pub fn new(exporters: impl Iterator<Item = String>, packages: Arc<[u8]>) -> Arc<Self> {
        let exporters = exporters.map(|name| (name, None)).collect();
        Arc::new(Self(Mutex::new(Shown { document: None, packages: Some(packages), exporters })))
    }

    fn lock(&self) -> MutexGuard<'_, Shown> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Shows the newest result.
    pub fn show_document(&self, document: Arc<[u8]>) {
        self.lock().document = Some(document);
    }

    /// Shows the newest inventory.
    pub fn show_packages(&self, packages: Arc<[u8]>) {
        self.lock().packages = Some(packages);
    }

    /// Shows an exporter's page for so long.
    pub fn show_exporter(&self, name: &str, text: Vec<u8>, kept: Duration) {
        let page = Page { text: text.into(), until: Instant::now() + kept };
        self.lock().exporters.insert(name.to_owned(), Some(page));
    }

    /// The newest result, `{}` before the first.
    pub fn document(&self) -> Arc<[u8]> {
        self.lock().document.clone().unwrap_or_else(|| EMPTY.into())
    }

    /// The newest inventory.
    pub fn packages(&self) -> Arc<[u8]> {
        self.lock().packages.clone().unwrap_or_else(|| EMPTY.into())
    }

    /// The names of all exporters.
    pub fn exporters(&self) -> Vec<String> {
        self.lock().exporters.keys().cloned().collect()
    }

    /// The names of those that answered at least once.
    pub fn exporters_heard(&self) -> Vec<String> {
        let shown = self.lock();
        let heard = shown.exporters.iter().filter(|(_, page)| page.is_some());
        heard.map(|(name, _)| name.clone()).collect()
    }

    /// An exporter's last page, unless it is too old.
    pub fn exporter(&self, name: &str) -> Option<Arc<[u8]>> {
        let shown = self.lock();
        let page = shown.exporters.get(name)?.as_ref()?;
        (Instant::now() < page.until).then(|| Arc::clone(&page.text))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_page_is_shown_until_it_is_too_old() {
        let published = Published::new(["a", "b"].map(str::to_owned).into_iter(), EMPTY.into());
        assert_eq!(
            (&*published.document(), published.exporter("a"), published.exporters_heard()),
            (EMPTY, None, vec![])
        );
        published.show_exporter("a", b"up 1\n".to_vec(), Duration::from_mins(1));
        published.show_exporter("b", b"up 1\n".to_vec(), Duration::ZERO);
        assert_eq!(published.exporter("a").as_deref(), Some(&b"up 1\n"[..]));
        assert_eq!(published.exporter("b"), None);
        assert_eq!(
            (published.exporters(), published.exporters_heard()),
            (vec!["a".into(), "b".into()], vec!["a".into(), "b".into()])
        );
    }
}
