use proptest::prelude::*;

use super::*;
use crate::domain::alerting::{Book, Moment, Policy, Step};
use crate::domain::probing::means::{Means, Wanted};
use crate::model::{Cause, ProbeId};

const START: i64 = 1_795_361_190;
const WEEK_S: i64 = 7 * DAY_S;

fn notices() -> ProbeNotices {
    ProbeNotices {
        of_state: true,
        of_delay: true,
        min_delay_ms: 5.0,
        max_delay_ms: 100.0,
        certificate_days: 7,
        group: String::new(),
    }
}

fn result(delay_ms: Option<f64>, expires: Option<i64>, note: Option<&str>) -> ProbeResult {
    let tls_expires = expires.map(UnixSeconds);
    ProbeResult { probe: ProbeId(1), delay_ms, tls_expires, note: note.map(str::to_owned) }
}

fn up() -> ProbeResult {
    result(Some(1.0), None, None)
}

fn down(why: &str) -> ProbeResult {
    result(None, None, Some(why))
}

fn reporter(id: i64) -> Reporter {
    Reporter { id: HostId(id), name: format!("h{id}") }
}

/// One place that is all places.
#[derive(Default)]
struct Place {
    seen: Seen,
    judged: Judged,
}

impl Place {
    /// What follows from a result of a host at so many seconds.
    fn hear(&mut self, host: i64, seconds: i64, result: &ProbeResult) -> Findings {
        let (by, at) = (reporter(host), UnixSeconds(START + seconds).millis());
        self.seen.hear(&notices(), Heard { by: &by, at, result, said: None, is_news: true });
        self.judge(seconds)
    }

    fn mean(&mut self, host: i64, delay_ms: f64, has_failure: bool) -> Findings {
        self.seen.hear_mean(&notices(), &reporter(host), Mean { delay_ms, has_failure });
        self.judge(0)
    }

    fn judge(&mut self, seconds: i64) -> Findings {
        let news = self.seen.news();
        judge(&mut self.judged, "web", &notices(), news, UnixSeconds(START + seconds))
    }
}

fn acts(findings: &Findings) -> Vec<(Source, Act)> {
    findings.alerts.iter().map(|finding| (finding.source, finding.act)).collect()
}

fn text(findings: &Findings) -> &str {
    findings.alerts.first().map_or("", |finding| finding.text.as_str())
}

#[test]
fn the_first_state_is_told_when_it_is_down_alone() {
    let mut place = Place::default();
    assert_eq!(acts(&place.hear(1, 0, &up())), [(Source::Probe, Act::Note(Verdict::Clear))]);
    let mut place = Place::default();
    let found = place.hear(1, 0, &down("refused"));
    assert_eq!(acts(&found), [(Source::Probe, Act::Note(Verdict::Failing))]);
    assert_eq!(text(&found), "[Down] web Reporter: h1, Error: refused");
}

#[test]
fn states_change_in_their_order_and_each_change_is_one_finding() {
    let mut place = Place::default();
    for at in 0..30 {
        place.hear(1, at * 30, &up());
    }
    let of = |place: &mut Place, at: i64, result: &ProbeResult| {
        let found = place.hear(1, at * 30, result);
        (found.alerts[0].act, text(&found).to_owned())
    };
    let good = "[Good] web Reporter: h1, Error: no answer".to_owned();
    assert_eq!(of(&mut place, 30, &down("no answer")), (Act::Note(Verdict::Clear), good), "96.7 %");
    let low = "[Low Availability] web Reporter: h1, Error: no answer".to_owned();
    // Said once by the agent, for it is no news.
    assert_eq!(of(&mut place, 31, &result(None, None, None)), (Act::Note(Verdict::Failing), low));
    for at in 32..35 {
        assert_eq!(of(&mut place, at, &result(None, None, None)).0, Act::Note(Verdict::Steady));
    }
    let down_text = "[Down] web Reporter: h1, Error: no answer".to_owned();
    assert_eq!(of(&mut place, 35, &result(None, None, None)), (Act::Restate, down_text.clone()), "80 %");
    assert_eq!(of(&mut place, 36, &result(None, None, None)), (Act::Note(Verdict::Failing), down_text));
    assert_eq!(place.hear(1, 37 * 30, &up()), Findings::default(), "a good one says nothing of why it is down");
    let mut texts = Vec::new();
    for at in 38..70 {
        let found = place.hear(1, at * 30, &up());
        texts.extend(found.alerts.into_iter().filter(|one| one.act != Act::Note(Verdict::Steady)).map(|one| one.text));
    }
    texts.dedup();
    let ends = ["[Low Availability] web Reporter: h1, Error: ", "[Good] web Reporter: h1, Error: "];
    assert_eq!(texts, ends);
}

#[test]
fn those_that_do_not_count_any_more_take_their_bad_results_along() {
    let mut place = Place::default();
    place.hear(7, 0, &down("x"));
    place.seen.retain(|host| host != HostId(7));
    assert_eq!(acts(&place.judge(60)), [(Source::Probe, Act::Withdraw)]);
    assert_eq!(
        (place.judge(120), place.seen.clone()),
        (Findings::default(), Seen { availability: place.seen.availability.clone(), ..Seen::default() })
    );
}

#[test]
fn what_is_no_news_says_nothing_of_the_target() {
    let mut place = Place::default();
    let by = reporter(1);
    let at = UnixSeconds(START).millis();
    place.seen.hear(&notices(), Heard { by: &by, at, result: &down("cut off"), said: None, is_news: false });
    assert_eq!(place.judge(0), Findings::default());
    let age = |seconds, frame_s| is_news(at, frame_s, UnixSeconds(START + seconds).millis());
    assert_eq!((age(120, 10), age(121, 10), age(360, 300), age(361, 300)), (true, false, true, false));
}

#[test]
fn a_mean_out_of_bounds_is_told_with_its_host_and_ends_when_all_are_within() {
    let mut place = Place::default();
    let found = place.mean(1, 300.25, false);
    assert_eq!(acts(&found), [(Source::ProbeLatency, Act::Note(Verdict::Failing))]);
    assert_eq!(text(&found), "[Latency] web 300.250000 > 100.000000, Reporter: h1");
    assert_eq!(text(&place.mean(2, 1.5, false)), "[Latency] web 1.500000 < 5.000000, Reporter: h2");
    assert_eq!(text(&place.mean(1, 50.0, false)), "[Latency] web 1.500000 < 5.000000, Reporter: h2");
    let over = place.mean(2, 100.0, false);
    assert_eq!(acts(&over), [(Source::ProbeLatency, Act::Note(Verdict::Clear))]);
}

#[test]
fn a_failure_makes_no_delay_short_and_ends_no_alert_but_hides_no_long_one() {
    let mut place = Place::default();
    assert_eq!(place.mean(1, 0.0, true), Findings::default());
    assert_eq!(acts(&place.mean(1, 150.0, true)), [(Source::ProbeLatency, Act::Note(Verdict::Failing))]);
    assert_eq!(place.mean(1, 50.0, true), Findings::default());
}

#[test]
fn a_certificate_is_told_of_within_its_days_and_when_issuer_and_end_are_others() {
    let mut place = Place::default();
    let cert = |issuer: Option<&str>, ends: i64| result(Some(1.0), Some(START + ends), issuer);
    let of = |place: &mut Place, seconds: i64, result: &ProbeResult| {
        let found = place.hear(1, seconds, result);
        (found.alerts[1].act, found.other_certificate.is_some())
    };
    let (near, far) = (Act::Note(Verdict::Failing), Act::Note(Verdict::Clear));
    assert_eq!(of(&mut place, 0, &cert(Some("R3"), WEEK_S + 10)), (far, false));
    assert_eq!(of(&mut place, 9, &cert(None, WEEK_S + 10)), (far, false));
    assert_eq!(of(&mut place, 10, &cert(None, WEEK_S + 10)), (near, false));
    assert_eq!(of(&mut place, 20, &cert(None, 9 * WEEK_S)), (far, false), "the same issuer");
    assert_eq!(of(&mut place, 30, &cert(Some("E1"), 9 * WEEK_S)), (far, false), "the same end");
    let found = place.hear(1, 40, &cert(Some("R10"), 12 * WEEK_S));
    let words = found.other_certificate.expect("both are others").0;
    assert!(words.starts_with("[SSL] web The certificate changed, old: E1, expires at "), "{words}");
    // What is good tells its certificate.
    assert!(found.alerts[0].text.ends_with("Error: R10|2027-02-14 15:26:30 +0000 UTC"), "{}", found.alerts[0].text);
}

#[test]
fn hosts_that_see_different_certificates_do_not_contradict_each_other() {
    let mut place = Place::default();
    let sees = |place: &mut Place, host: i64, seconds: i64, issuer: &str, ends: i64| {
        let found = place.hear(host, seconds, &result(Some(1.0), Some(START + ends), Some(issuer)));
        (found.alerts.len() - 1, found.other_certificate.is_some())
    };
    assert_eq!(sees(&mut place, 1, 0, "R3", WEEK_S), (1, false));
    assert_eq!(sees(&mut place, 2, 0, "E1", 9 * WEEK_S), (0, false), "another one that ends later");
    assert_eq!(sees(&mut place, 2, 60, "R3", WEEK_S), (1, false));
    // Nobody has seen the first one for days.
    assert_eq!(sees(&mut place, 3, 60 + STALE_S + 1, "E1", 9 * WEEK_S), (1, true));
}

#[test]
fn places_are_judged_together() {
    let said = |id, is_up| Said { by: reporter(id), is_up, data: String::new() };
    let mut all = News { up: 30, all: 30, said: Some(said(1, true)), ..News::default() };
    all.join(News { up: 20, all: 30, said: Some(said(2, false)), ..News::default() });
    all.join(News { up: 30, all: 30, said: Some(said(3, true)), ..News::default() });
    assert_eq!((all.up, all.all, all.said.clone().map(|said| said.by.id)), (80, 90, Some(HostId(2))));
    let mut judged = Judged { state: State::Good, ..Judged::default() };
    let found = judge(&mut judged, "web", &notices(), all, UnixSeconds(START));
    assert_eq!(text(&found), "[Low Availability] web Reporter: h2, Error: ");
}

proptest! {
    /// Whatever hosts find: people hear of each change of state once, of the first only when it is down, and of nothing while it is
    /// good. Results that are told twice change nothing.
    #[test]
    fn people_know_the_state_and_how_it_came_about(
        results in prop::collection::vec((1..4_i64, 1..200_i64, 0..10_u8, any::<bool>()), 1..400),
        is_bad_from in 0..10_u8,
    ) {
        let (mut place, mut book) = (Place::default(), Book::default());
        let cause = Cause { source: Source::Probe, id: 1, host: None };
        let (mut at, mut known, mut is_open) = (0, State::NoData, false);
        for (host, step_s, quality, is_twice) in results {
            at += step_s;
            let result = if quality >= is_bad_from { down("x") } else { up() };
            let before = place.judged.state;
            let mut told = Vec::new();
            for _ in 0..=u8::from(is_twice) {
                for finding in place.hear(host, at, &result).alerts {
                    let repeat = repeat(finding.source, place.judged.state);
                    let policy = Policy { group: "", repeat, escalations: &[], ignores_quiet_hours: false, is_mute: false };
                    let moment = Moment { at: UnixSeconds(START + at).millis(), is_quiet: false };
                    let steps = match finding.act {
                        Act::Note(verdict) => book.note(cause, policy, (verdict, ""), moment),
                        Act::Restate => book.restate(cause, policy, "", moment),
                        Act::Withdraw => unreachable!("everybody counts"),
                    };
                    told.extend(steps.into_iter().map(|step| (step.step, finding.text.clone())));
                }
            }
            let state = place.judged.state;
            prop_assert_eq!(state, place.seen.availability.state());
            let is_news = state != before && (before != State::NoData || state == State::Down);
            let changes = told.iter().filter(|(_, text)| text.starts_with(&format!("[{}] ", state.words()))).count();
            if is_news {
                prop_assert_eq!(changes, 1, "{:?} to {:?}: {:?}", before, state, told);
                known = state;
            } else {
                prop_assert!(told.is_empty() || (state == State::Down && told.len() == 1), "{:?}", told);
            }
            prop_assert!(known == state || before == State::NoData || known == State::NoData);
            for (step, _) in &told {
                prop_assert_eq!(*step != Step::Fired, is_open);
                is_open = *step != Step::Recovered;
            }
            prop_assert_eq!(is_open, state.is_bad());
            prop_assert_eq!(is_open, book.is_open(cause));
        }
    }

    /// However results are cut into reports, and whoever forgets the result before and finds it again, the same means come out.
    #[test]
    fn means_are_the_same_over_every_restart(
        delays in prop::collection::vec(prop::option::of(0..500_u16), 1..60),
        restarts in prop::collection::vec(any::<bool>(), 60),
    ) {
        let wanted = Wanted::from([(ProbeId(1), 2)]);
        let results: Vec<ProbeResult> =
            delays.iter().map(|delay| result(delay.map(f64::from), None, None)).collect();
        let at = |place: usize| UnixMillis(i64::try_from(place).unwrap() * 30_000);
        let add = |means: &mut Means, from: usize, to: usize| {
            for (place, one) in results.iter().enumerate().take(to).skip(from) {
                means.add(&wanted, at(place), std::slice::from_ref(one));
            }
        };
        let mut whole = Means::default();
        add(&mut whole, 0, results.len());
        let (mut means, mut done) = (Means::default(), Vec::new());
        for (place, restarts) in restarts.into_iter().enumerate().take(results.len()) {
            if restarts {
                means = Means::default();
            }
            if !means.is_known() {
                add(&mut means, place.saturating_sub(20), place);
                means.know();
            }
            add(&mut means, place, place + 1);
            done.extend(means.take_done());
        }
        prop_assert_eq!(done, whole.take_done());
    }
}
