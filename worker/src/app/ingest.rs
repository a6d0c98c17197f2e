//! An agent's report comes in: which samples are taken, and when they are safe.

use edgewatch_core::blocks::{self, REPORTS};
use edgewatch_core::domain::intake::{self, Take};
use edgewatch_core::failure::Failure;
use edgewatch_core::metrics;
use edgewatch_core::model::{Addresses, Dropped, Report, Sample};

use super::App;
use super::identity::AgentIdentity;
use crate::store::{StoreError, reports};

/// How often a report is tried when the database fails in passing or another report of the host was faster.
const TRIES: u32 = 3;

/// Where a report came from.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Origin {
    /// The sender's address.
    pub addresses: Addresses,
    /// Its country, two lower-case letters, where known.
    pub country_code: Option<String>,
}

/// What became of a report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded {
    /// Every sample up to this number is stored for good.
    pub durable_up_to: u64,
    /// The first missing number, when samples are missing before the report and nothing was taken.
    pub resend_from: Option<u64>,
    /// Values that were left out because of their time.
    pub dropped: Vec<Dropped>,
}

/// Stores what is new in a report: 2 rows written; for a repeat none, or 1 when it says what the host is.
///
/// # Errors
/// [`Failure::Unavailable`] when the database does not answer. The report may be stored all the same, and sending it
/// again is harmless.
pub async fn record(app: &App, agent: AgentIdentity, mut report: Report, origin: Origin) -> Result<Recorded, Failure> {
    let dropped = intake::mend_times(&mut report, app.now);
    let mut progress = agent.progress.clone();
    let mut last_error = None;
    for attempt in 0..TRIES {
        if attempt > 0 {
            progress = match agent.reread(app).await {
                Ok(progress) => progress,
                Err(failure @ Failure::Unavailable { .. }) => {
                    last_error = Some(failure);
                    continue;
                }
                Err(failure) => return Err(failure),
            };
        }
        let skip = match intake::take(progress.last_number, report.oldest, &report.samples) {
            Take::Nothing => return without_samples(app, &progress, report, None, dropped).await,
            Take::Resend { from } => return without_samples(app, &progress, report, Some(from), dropped).await,
            Take::From { skip } => skip,
        };
        let Some(entry) = entry(app, &progress, &report, skip, &origin) else {
            return without_samples(app, &progress, report, None, dropped).await;
        };
        let number = entry.newest.number;
        match reports::insert(&app.db, entry).await {
            Ok(true) => {
                return Ok(Recorded { durable_up_to: number, resend_from: None, dropped });
            }
            // Another report of this host was faster: look again what is stored.
            Ok(false) => {}
            // It may have been written before the reply was lost; what is stored decides.
            Err(error) if error.is_transient() => last_error = Some(Failure::from(error)),
            Err(error) => return Err(error.into()),
        }
    }
    let crowded =
        || Failure::from(StoreError::from_words("overloaded: reports of one host overtake each other".to_owned()));
    Err(last_error.unwrap_or_else(crowded))
}

/// The answer to a report whose samples are not taken. What the host is counts all the same, for the agent says it once;
/// but not when the report is an old one that comes late.
async fn without_samples(
    app: &App,
    progress: &reports::Progress,
    report: Report,
    resend_from: Option<u64>,
    dropped: Vec<Dropped>,
) -> Result<Recorded, Failure> {
    let is_old = report.samples.last().is_some_and(|last| last.number < progress.last_number);
    if let Some(facts) = report.facts.filter(|_| !is_old) {
        reports::put_facts(&app.db, progress, facts).await?;
    }
    Ok(Recorded { durable_up_to: progress.last_number, resend_from, dropped })
}

fn entry(
    app: &App,
    progress: &reports::Progress,
    report: &Report,
    skip: usize,
    origin: &Origin,
) -> Option<reports::Entry> {
    let samples = report.samples.get(skip..)?;
    let (first, newest) = (samples.first()?, samples.last()?);
    let block_no = progress.block_no.saturating_add(1);
    let entries: Vec<blocks::Entry> = samples.iter().map(block_entry).collect();
    Some(reports::Entry {
        host_id: progress.id,
        seen_number: progress.last_number,
        tier: REPORTS.number,
        slot: REPORTS.slot(block_no),
        block_no,
        block: blocks::encode(&entries),
        start_ms: first.at.0,
        newest: newest.clone(),
        received_at: app.now_s(),
        period_s: report.period_s,
        frame_s: report.frame_s,
        agent_version: report.agent_version.clone(),
        country_code: origin.country_code.clone(),
        seen_at: origin.addresses.clone(),
        facts: report.facts.clone(),
    })
}

fn block_entry(sample: &Sample) -> blocks::Entry {
    let columns = (0u8..).zip(metrics::columns(sample));
    let sensors = sample.temperatures.iter();
    blocks::Entry {
        number: sample.number,
        at_ms: sample.at.0,
        columns: columns.filter_map(|(column, value)| value.map(|value| (column, value))).collect(),
        named: sensors.map(|sensor| (format!("temperature/{}", sensor.name), sensor.celsius)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::{hosts, identity};
    use crate::store::Db;
    use crate::store::db::now;
    use edgewatch_core::model::{HostId, Registration};
    use edgewatch_core::units::UnixMillis;

    fn agent(app: &App) -> AgentIdentity {
        let registration = Registration {
            name: "alpha".to_owned(),
            tag: String::new(),
            note: String::new(),
            hidden_for_guest: true,
            machine_id: None,
            known_secret: None,
        };
        let secret = now(hosts::register_for_tests(app, registration)).unwrap();
        now(identity::agent(app, &secret)).unwrap()
    }

    fn report(numbers: std::ops::RangeInclusive<u64>, oldest: u64) -> Report {
        let at = UnixMillis(1_795_361_190_000);
        let samples = numbers.map(|number| Sample { number, at, cpu_percent: Some(1.0), ..Sample::default() });
        Report {
            agent_version: "0.1.0".to_owned(),
            sent_at: at,
            oldest,
            period_s: 10,
            frame_s: 10,
            facts: None,
            samples: samples.collect(),
        }
    }

    fn stored(app: &App) -> Vec<u64> {
        let rows = now(reports::list_blocks(&app.db, HostId(1), REPORTS.number)).unwrap();
        let entries = rows.iter().flat_map(|block| blocks::decode(block).unwrap());
        entries.map(|entry| entry.number).collect()
    }

    #[test]
    fn every_sample_is_stored_once_however_reports_overlap() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let stale = agent(&app);
        let record =
            |identity: &AgentIdentity, report| now(record(&app, identity.clone(), report, Origin::default())).unwrap();
        assert_eq!(record(&stale, report(1..=3, 1)).durable_up_to, 3);
        // The same identity again: it still believes that nothing is stored.
        assert_eq!(record(&stale, report(1..=3, 1)).durable_up_to, 3);
        // Not having seen the first report, it takes the second for one with a hole in front: asked again, never lost.
        assert_eq!(record(&stale, report(2..=5, 1)).resend_from, Some(1));
        let fresh = AgentIdentity { progress: now(stale.reread(&app)).unwrap(), ..stale.clone() };
        assert_eq!(record(&fresh, report(2..=5, 1)).durable_up_to, 5);
        assert_eq!(record(&stale, report(1..=4, 1)).durable_up_to, 5);
        assert_eq!(stored(&app), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn a_hole_is_asked_for_and_nothing_of_the_report_is_stored() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let identity = agent(&app);
        let missing = now(record(&app, identity.clone(), report(3..=4, 1), Origin::default())).unwrap();
        assert_eq!((missing.durable_up_to, missing.resend_from), (0, Some(1)));
        assert_eq!(stored(&app), Vec::<u64>::new());
        let given_up = now(record(&app, identity, report(3..=4, 3), Origin::default())).unwrap();
        assert_eq!((given_up.durable_up_to, given_up.resend_from), (4, None));
    }

    #[test]
    fn a_report_without_samples_stores_nothing_and_says_how_far_we_are() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let mut empty = report(1..=1, 1);
        empty.samples.clear();
        let recorded = now(record(&app, agent(&app), empty, Origin::default())).unwrap();
        assert_eq!((recorded.durable_up_to, recorded.resend_from), (0, None));
    }
}
