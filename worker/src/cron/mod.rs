//! The schedules. "Now" is the moment the run was due, never the clock.

use crate::app::{App, edge_probes, heartbeat, host_admin, presence};
use crate::notify;
use crate::platform::log;

/// The one schedule: every minute.
pub const EVERY_MINUTE: &str = "* * * * *";

/// At this minute of each hour it is looked for hosts that are to be deleted for good.
const PURGE_MINUTE: i64 = 37;

/// What the verdict on presence and a look whether the heartbeat is due cost of the subrequests that an invocation may make, with one
/// shard.
const WATCH_SUBREQUESTS: usize = 6;

/// What a call of the heartbeat address costs of them: the call itself, and noting how it went.
const BEAT_SUBREQUESTS: usize = 4;

/// Runs the jobs of a schedule. One that fails is logged and stops no other.
pub async fn run(app: &App, cron: &str) {
    if cron != EVERY_MINUTE {
        log::error("cron", &format!("no job for the schedule {cron}"));
        return;
    }
    let mut summary = presence::watch(app).await.unwrap_or_else(|failure| {
        log::error("cron.presence", &failure.to_string());
        presence::Summary::default()
    });
    // Before the notifications, which come again: what targets answered does not. An object sends its own at once anyway.
    let asked = edge_probes::run(app, std::mem::take(&mut summary.edge)).await.unwrap_or_else(|failure| {
        log::error("cron.probes", &failure.to_string());
        0
    });
    // Only what is whole may say so: whoever listens hears by our silence.
    let beaten = if summary.is_answered {
        heartbeat::beat(app).await.unwrap_or_else(|failure| {
            log::error("cron.heartbeat", &failure.to_string());
            0
        })
    } else {
        0
    };
    let most = notify::left_after(WATCH_SUBREQUESTS + asked + usize::from(asked > 0) + beaten * BEAT_SUBREQUESTS);
    if let Err(failure) = notify::deliver(&app.db, &app.config, app.now_s(), most).await {
        log::error("cron.notify", &failure.to_string());
    }
    if app.now_s().0.div_euclid(60) % 60 == PURGE_MINUTE
        && let Err(failure) = host_admin::purge(app).await
    {
        log::error("cron.purge", &failure.to_string());
    }
    let meter = app.db.meter();
    let of_objects = app.hub.as_ref().map(|hub| hub.spent().d1_rows).unwrap_or_default();
    log::schedule(&log::ScheduleLine {
        schedule: cron,
        due_s: app.now_s().0,
        offline: summary.offline,
        online: summary.online,
        impaired: summary.impaired,
        rows_read: meter.rows_read() + of_objects.0,
        rows_written: meter.rows_written() + of_objects.1,
    });
}
