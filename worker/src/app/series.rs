//! Questions about history.

use edgewatch_core::domain::access::{Right, require};
use edgewatch_core::failure::Failure;
use edgewatch_core::model::{Credential, Host, SeriesQuery};

use super::{App, guests};
use crate::hub::client::guests::Place;
use crate::hub::series::{self, Answer};
use crate::hub::{HubError, lengths};
use crate::platform::log;
use crate::store::hosts;
use crate::store::settings::{self, COARSE_RINGS};

/// The answer to a question about history.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// Per host and metric, in the order asked, a piece that the hub made.
    pub pieces: Vec<String>,
    /// Whether every part of the history answered.
    pub complete: bool,
}

/// History of some hosts: from the hub, and when it does not answer the coarse part of it from D1.
///
/// # Errors
/// [`Failure::Forbidden`] without the right to read; [`Failure::NotFound`] when there is no such host; [`Failure::Invalid`] for
/// a metric that none of them has; [`Failure::Unavailable`] when the database does not answer either.
pub async fn read(app: &App, reader: &Credential, query: &SeriesQuery) -> Result<History, Failure> {
    require(reader, Right::Read)?;
    let found = hosts::list_by_ids(&app.db, &query.hosts).await?;
    if found.len() < query.hosts.len() {
        return Err(Failure::NotFound { what: "host" });
    }
    let places = guests::places(app, &found).await?;
    let answer = match ask(app, query, &places, &found).await {
        Ok(answer) => answer,
        Err(error) => {
            log::error("series", &error.to_string());
            let lengths = settings::find(&app.db, COARSE_RINGS).await?;
            series::answer_coarse(&app.db, &lengths::of_coarse_text(lengths.as_deref()), query, app.now).await?
        }
    };
    if let Some(metric) = answer.unknown.first() {
        let names = match answer.names.as_slice() {
            [] => "they have none of their own".to_owned(),
            names => format!("of their own they have {}", names.join(", ")),
        };
        let reason = format!("none of the hosts has {metric:?}; beside the built-in metrics, {names}");
        return Err(Failure::Invalid { field: "metrics".to_owned(), reason });
    }
    Ok(History { pieces: answer.series.into_iter().map(|(_, piece)| piece).collect(), complete: answer.complete })
}

/// Asks the hosts' shards.
async fn ask(app: &App, query: &SeriesQuery, places: &[Place], found: &[Host]) -> Result<Answer, HubError> {
    let nobody = || HubError::Unreachable("there is no hub here".to_owned());
    guests::series(app.hub.as_ref().ok_or_else(nobody)?, query, places, found).await
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::Db;
    use crate::store::db::now;
    use edgewatch_core::model::{HostId, Registration, Scopes, Token, TokenKind};
    use edgewatch_core::units::UnixSeconds;

    fn caller(read: bool) -> Credential {
        Credential::Token(Token {
            id: 1,
            kind: TokenKind::Api,
            scopes: Scopes { read, ..Scopes::default() },
            note: String::new(),
            user_id: 1,
            expires_at: None,
            uses_left: None,
            address_ranges: vec![],
            last_use: None,
        })
    }

    fn query(host: i64, metric: &str) -> SeriesQuery {
        SeriesQuery {
            hosts: vec![HostId(host)],
            metrics: vec![metric.to_owned()],
            from: UnixSeconds(1_795_274_790),
            to: UnixSeconds(1_795_361_190),
            points: 300,
        }
    }

    #[test]
    fn only_readers_are_told_and_only_of_hosts_and_metrics_that_there_are() {
        let app = App::for_tests(Db::in_memory().unwrap());
        let registration = Registration {
            name: "alpha".to_owned(),
            tag: String::new(),
            note: String::new(),
            hidden_for_guest: true,
            machine_id: None,
            known_secret: None,
        };
        now(super::super::hosts::register_for_tests(&app, registration)).unwrap();
        let read = |caller, query: &SeriesQuery| now(read(&app, &caller, query));
        assert!(matches!(read(caller(false), &query(1, "load1")), Err(Failure::Forbidden { .. })));
        assert_eq!(read(caller(true), &query(2, "load1")), Err(Failure::NotFound { what: "host" }));
        let unknown = read(caller(true), &query(1, "temperature/cpu"));
        assert!(matches!(unknown, Err(Failure::Invalid { field, .. }) if field == "metrics"));
        let history = read(caller(true), &query(1, "load1")).unwrap();
        assert_eq!((history.pieces.len(), history.complete), (1, false));
    }
}
