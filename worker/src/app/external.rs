//! Web addresses are asked as monitors want it.

use std::time::Duration;

use edgewatch_core::domain::probing::page::{
    Finder, LIMIT_MS, MOST_REDIRECTS, after_redirect, check_status, check_url, is_redirect, is_same_origin,
};
use edgewatch_core::model::{Monitor, Sent, Watch, WebAnswer, WebQuestion};

use super::App;
use super::mackerel::monitors;
use crate::platform::page::{self, Asking, Silence};
use crate::platform::{clock, log};

/// The longest words on what was wrong, in characters.
const MAX_ERROR_CHARS: usize = 120;

/// What came of a question.
enum Outcome {
    /// The right answer, after so many ms.
    Right(f64),
    /// None, or a wrong one.
    Wrong(String),
    /// It was not asked, which is no fault of the target's.
    Unasked(String),
}

/// Asks the web address of a monitor; gives what came of it, and how many requests that took. Nothing where it was us who could not ask.
pub async fn ask(app: &App, monitor: &Monitor) -> (Option<WebAnswer>, usize) {
    let Watch::External { question, .. } = &monitor.watch else { return (None, 0) };
    let mut requests = 0;
    let outcome = match question.sealed.as_deref().map(|sealed| monitors::open(&app.config, sealed)).transpose() {
        Ok(sent) => follow(question, sent.unwrap_or_default(), app.is_own_machine(), &mut requests).await,
        Err(failure) => Outcome::Unasked(failure.to_string()),
    };
    let answer = |delay_ms, error| Some(WebAnswer { monitor: monitor.id, delay_ms, error });
    let answer = match outcome {
        Outcome::Right(delay_ms) => answer(Some(delay_ms), None),
        Outcome::Wrong(words) => answer(None, Some(words.chars().take(MAX_ERROR_CHARS).collect())),
        Outcome::Unasked(words) => unasked(monitor, &words),
    };
    (answer, requests)
}

fn unasked(monitor: &Monitor, words: &str) -> Option<WebAnswer> {
    log::error("external", &format!("monitor {} was not asked: {words}", monitor.id.0));
    None
}

#[expect(clippy::cast_precision_loss, reason = "milliseconds of a few seconds")]
async fn follow(question: &WebQuestion, mut sent: Sent, is_everywhere: bool, requests: &mut usize) -> Outcome {
    let begun = clock::now();
    let passed_ms = || u64::try_from(clock::now().0 - begun.0).unwrap_or(0);
    let left = || Duration::from_millis(LIMIT_MS.saturating_sub(passed_ms()));
    let (mut url, mut method) = (question.url.clone(), question.method.clone());
    // The runtime takes none with GET.
    let mut has_body = method != "GET";
    if let Err(error) = check_url(&url, is_everywhere) {
        return Outcome::Unasked(error.to_string());
    }
    loop {
        let body = sent.body.as_deref().filter(|body| has_body && !body.is_empty());
        *requests += 1;
        let asking = Asking { url: &url, method: &method, headers: &sent.headers, body };
        let mut page = match page::ask(asking, left()).await {
            Ok(page) => page,
            Err(silence) => return silence.into(),
        };
        let delay_ms = passed_ms() as f64;
        let to = page.leads_to(&url).filter(|_| question.follows && is_redirect(page.status()));
        let Some(to) = to else {
            return check(question, &mut page, left()).await.map_or_else(|wrong| wrong, |()| Outcome::Right(delay_ms));
        };
        if *requests > MOST_REDIRECTS {
            return Outcome::Wrong(format!("more than {MOST_REDIRECTS} redirections"));
        }
        if let Err(error) = check_url(&to, is_everywhere) {
            return Outcome::Wrong(format!("redirection: {error}"));
        }
        let (next, keeps_body) = after_redirect(page.status(), &method);
        let next = next.to_owned();
        if !is_same_origin(&url, &to) {
            // What may be secret goes to no other server than the one that it was meant for.
            if keeps_body && body.is_some() {
                return Outcome::Wrong("a redirection that would carry the body to another server".to_owned());
            }
            sent.headers.clear();
        }
        (url, method, has_body) = (to, next, keeps_body);
    }
}

/// Whether an answer is right; else what came of the question.
async fn check(question: &WebQuestion, page: &mut page::Page, left: Duration) -> Result<(), Outcome> {
    check_status(question, page.status()).map_err(Outcome::Wrong)?;
    let Some(text) = &question.contains else { return Ok(()) };
    let mut finder = Finder::new(text);
    let read = page.read(left, |piece| finder.feed(piece)).await;
    if finder.is_found() {
        return Ok(());
    }
    read?;
    Err(Outcome::Wrong("the body does not contain the text".to_owned()))
}

impl From<Silence> for Outcome {
    fn from(silence: Silence) -> Self {
        match silence {
            Silence::Late => Self::Wrong(format!("no answer in {} s", LIMIT_MS / 1000)),
            Silence::Theirs(words) => Self::Wrong(words),
            Silence::Ours(words) => Self::Unasked(words),
        }
    }
}
