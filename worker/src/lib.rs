//! The Worker's entry points: a request comes in, or a schedule is due.

// A panic in wasm costs every open request: outside tests nothing here may be able to.
#![cfg_attr(
    not(test),
    warn(
        clippy::expect_used,
        clippy::indexing_slicing,
        clippy::panic,
        clippy::string_slice,
        clippy::unreachable,
        clippy::unwrap_used
    )
)]

pub mod app;
pub mod cron;
pub mod dialects;
pub mod gate;
pub mod http;
pub mod hub;
pub mod notify;
pub mod platform;
pub mod proxmox;
pub mod store;
pub mod viewers;

#[cfg(target_arch = "wasm32")]
mod entry {
    use std::sync::Arc;

    use edgewatch_core::failure::Failure;
    use edgewatch_core::units::UnixMillis;
    use worker::{Context, Env, HttpRequest, Request, Response, Result, ScheduleContext, ScheduledEvent, event};

    use crate::app::App;
    use crate::http::{answer, upgrade};
    use crate::hub::client::{HubClient, Spent};
    use crate::hub::own;
    use crate::platform::assets::Assets;
    use crate::platform::config::{self, Config};
    use crate::platform::objects::Objects;
    use crate::platform::{clock, log, random};
    use crate::store::Db;
    use crate::{cron, dialects};

    fn app(env: &Env, now: UnixMillis) -> std::result::Result<App, Failure> {
        let config = Arc::new(Config::from_env(env));
        Ok(App {
            db: Db::new(config::database(env)?),
            config,
            now,
            assets: Assets::new(env),
            hub: Some(HubClient::new(Objects::new(env), config::hub_shards(env))),
            objects: Some(Objects::new(env)),
        })
    }

    /// Every request.
    #[event(fetch)]
    async fn fetch(request: Request, env: Env, _context: Context) -> Result<Response> {
        let started = clock::now();
        let app = match app(&env, started) {
            Ok(app) => App { now: UnixMillis(started.0.saturating_add(app.config.test_clock_offset_ms)), ..app },
            Err(failure) => {
                log::error("fetch", &failure.to_string());
                return Response::error("this deployment is not set up: its database binding is missing", 500);
            }
        };
        // What the runtime took for a request but is none by the rules of HTTP's types.
        let Ok(request) = HttpRequest::try_from(request) else {
            return Response::error("bad request", 400);
        };
        let (method, path) = (request.method().to_string(), request.uri().path().to_owned());
        let request_id = format!("{:016x}", random::number().unwrap_or_default());

        let mut response = dialects::serve(request.map(axum::body::Body::new), app.clone()).await;
        let socket = upgrade::take_socket(&mut response);
        let payload = answer::take_payload(&mut response);
        let (parts, body) = response.into_parts();
        // Everything else lies in our memory; handed over whole, it goes out with its length.
        let bytes =
            axum::body::to_bytes(body, usize::MAX).await.map_err(|error| worker::Error::from(error.to_string()))?;

        let meter = app.db.meter();
        own::note_request(meter.rows_read(), meter.rows_written(), meter.bytes());
        log::request(&log::RequestLine {
            request_id: &request_id,
            owner: dialects::owner(&method, &path).word(),
            method: &method,
            path: dialects::path_for_log(&path),
            status: parts.status.as_u16(),
            ms: clock::now().0.saturating_sub(started.0),
            rows_read: meter.rows_read(),
            rows_written: meter.rows_written(),
        });
        let empty = matches!(parts.status.as_u16(), 204 | 304);
        let upgraded = socket.is_some();
        let mut response = match (socket, payload) {
            (Some(socket), _) => Response::from_websocket(socket)?,
            (None, Some(payload)) => payload.into_response()?,
            (None, None) if empty => Response::empty()?,
            (None, None) => Response::from_bytes(bytes.to_vec())?,
        };
        let headers = response.headers_mut();
        headers.delete("content-type")?;
        for (name, value) in &parts.headers {
            if let Ok(value) = value.to_str() {
                headers.append(name.as_str(), value)?;
            }
        }
        headers.set("x-request-id", &request_id)?;
        if app.config.expose_cost {
            // D1 rows read and written, object rows read and written, requests: this one and the calls of objects.
            let Spent { d1_rows, object_rows, calls } = app.hub.as_ref().map(HubClient::spent).unwrap_or_default();
            let (read, written) = (meter.rows_read() + d1_rows.0, meter.rows_written() + d1_rows.1);
            let cost = format!("{read},{written},{},{},{}", object_rows.0, object_rows.1, calls + 1);
            headers.set("x-edgewatch-cost", &cost)?;
            // Of the isolate, which the objects live in too. It never shrinks.
            headers.set("x-edgewatch-memory", &(core::arch::wasm32::memory_size(0) * 64 * 1024).to_string())?;
        }
        // An upgrade has its own status, which the runtime takes from nobody else.
        Ok(if upgraded { response } else { response.with_status(parts.status.as_u16()) })
    }

    /// Every schedule. "Now" is when it was due.
    #[event(scheduled)]
    async fn scheduled(event: ScheduledEvent, env: Env, _context: ScheduleContext) {
        #[expect(clippy::cast_possible_truncation, reason = "milliseconds of centuries are exact")]
        let due = UnixMillis(event.schedule() as i64);
        match app(&env, due) {
            Ok(app) => {
                cron::run(&app, &event.cron()).await;
                let meter = app.db.meter();
                own::note_request(meter.rows_read(), meter.rows_written(), meter.bytes());
            }
            Err(failure) => log::error("scheduled", &failure.to_string()),
        }
    }
}
