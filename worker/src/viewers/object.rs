//! The Durable Object of all viewers: sockets, texts and alarms. What to do is decided in `fanout`, `watch` and `viewer`.

use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::rc::Rc;
use std::time::Duration;

use edgewatch_core::dialects::native::live::{Digest, DigestReply, FromViewer, MAX_WINDOW, WatchRequest};
use edgewatch_core::units::UnixMillis;
use worker::worker_sys::web_sys;
use worker::{
    DurableObject, Env, Error, Method, Request, Response, Result, State, WebSocket, WebSocketIncomingMessage,
    durable_object,
};

use super::ViewersError;
use super::client::VIEWER;
use super::fanout::{Changes, Fleet};
use super::pulse::{self, Pulse};
use super::viewer::{End, Seat, Viewer, has_room};
use super::watch::{self, Step, Watch};
use crate::platform::objects::{Class, Objects};
use crate::platform::{clock, config, log, sockets};

/// A call of the hub that has not come back after so long is waited for by nobody else.
const CALL_MS: i64 = 30_000;

thread_local! {
    /// The newest incarnation of each object. Sleep drops the JavaScript object, but what belongs to it in Rust goes only when
    /// the collector finds it, and it sees a few bytes; so an incarnation empties its predecessor.
    static NEWEST: RefCell<HashMap<String, Rc<Inner>>> = RefCell::new(HashMap::new());
}

/// The object.
#[durable_object]
pub struct Viewers {
    inner: Rc<Inner>,
}

pub(super) struct Inner {
    pub(super) state: State,
    env: Env,
    pub(super) objects: Objects,
    pub(super) shards: u32,
    pub(super) fleet: RefCell<Fleet>,
    pub(super) watch: RefCell<Watch>,
    /// Since when the hub is being asked.
    asking: Cell<Option<i64>>,
    /// Whether it is to be asked once more after that.
    again: Cell<bool>,
    /// One more each time that all was forgotten: an answer to a question from before is not taken in.
    era: Cell<u64>,
    /// Whether the feed is being told.
    pub(super) is_feeding: Cell<bool>,
    /// What is known for those who speak as programs for Pulse.
    pub(super) pulse: Pulse,
}

impl DurableObject for Viewers {
    fn new(state: State, env: Env) -> Self {
        sockets::answer_pings(&state);
        let id = state.id().to_string();
        let (objects, shards) = (Objects::new(&env), config::hub_shards(&env));
        let inner = Rc::new(Inner {
            state,
            env,
            objects,
            shards,
            fleet: RefCell::default(),
            watch: RefCell::default(),
            asking: Cell::new(None),
            again: Cell::new(false),
            era: Cell::new(0),
            is_feeding: Cell::new(false),
            pulse: Pulse::default(),
        });
        let before = NEWEST.with_borrow_mut(|newest| newest.insert(id, Rc::clone(&inner)));
        if let Some(before) = before {
            before.fleet.take();
            before.watch.take();
        }
        Self { inner }
    }

    async fn fetch(&self, mut request: Request) -> Result<Response> {
        match (request.method(), request.path().as_str()) {
            (Method::Get, "/connect") => self.inner.seat(&request),
            (Method::Post, "/digest") => {
                let text = request.text().await?;
                self.inner.take(&text)
            }
            (Method::Post, "/news") => {
                let text = request.text().await?;
                self.inner.take_news(&text)
            }
            (Method::Post, "/again") => {
                self.inner.let_all_show_again();
                Response::empty()
            }
            _ => Response::error("no such operation", 404),
        }
    }

    async fn alarm(&self) -> Result<Response> {
        self.inner.watch.borrow_mut().rung();
        self.inner.end_those_whose_time_has_come();
        if self.inner.seats().is_empty() {
            self.inner.forget();
        } else {
            self.inner.keep_feeding();
            self.inner.keep_pulsing();
            if self.inner.is_hub_watched() {
                Rc::clone(&self.inner).ask().await;
            }
        }
        Response::empty()
    }

    async fn websocket_message(&self, socket: WebSocket, message: WebSocketIncomingMessage) -> Result<()> {
        let WebSocketIncomingMessage::String(text) = message else { return Ok(()) };
        if let Some(seat) = seat_of(&socket).filter(|seat| seat.viewer.pulse.is_some()) {
            self.inner.hear_pulse(&socket, seat, &text).await;
            return Ok(());
        }
        let FromViewer::Window(window) = FromViewer::read(&text) else { return Ok(()) };
        let Some(seat) = seat_of(&socket) else { return Ok(()) };
        keep(&socket, &Seat { window, ..seat });
        self.inner.windows_changed().await;
        Ok(())
    }

    async fn websocket_close(&self, socket: WebSocket, code: usize, reason: String, _was_clean: bool) -> Result<()> {
        // 1006 and its like may not be sent; whatever is said, the socket is over.
        let code = u16::try_from(code).ok().filter(|code| (1000..1004).contains(code) || (3000..5000).contains(code));
        let _ = socket.close(code, code.map(|_| reason));
        self.inner.left().await;
        Ok(())
    }

    async fn websocket_error(&self, socket: WebSocket, _error: Error) -> Result<()> {
        end(&socket, 1011, "the connection broke");
        self.inner.left().await;
        Ok(())
    }

    async fn connect(&self, _socket: worker::Socket) -> Result<()> {
        Err(Error::from("this object takes no TCP connections"))
    }
}

impl Inner {
    pub(super) fn now(&self) -> UnixMillis {
        clock::now_in(&self.env)
    }

    /// Whether all hosts of all shards are known.
    pub(super) fn is_loaded(&self) -> bool {
        self.fleet.borrow().is_loaded(self.shards)
    }

    /// All open sockets with what is kept of them.
    pub(super) fn seats(&self) -> Vec<(WebSocket, Seat)> {
        let open =
            |socket: &WebSocket| AsRef::<web_sys::WebSocket>::as_ref(socket).ready_state() == web_sys::WebSocket::OPEN;
        let sockets = self.state.get_websockets().into_iter().filter(open);
        sockets.filter_map(|socket| seat_of(&socket).map(|seat| (socket, seat))).collect()
    }

    /// A viewer comes: it gets a socket, and its snapshot at once or as soon as the hub has told us.
    fn seat(self: &Rc<Self>, request: &Request) -> Result<Response> {
        let Some(viewer) = request.headers().get(VIEWER)?.and_then(|text| serde_json::from_str::<Viewer>(&text).ok())
        else {
            return Response::error("who is it?", 403);
        };
        let seats = self.seats();
        let guests = seats.iter().filter(|(_, seat)| seat.viewer.guest).count();
        if !has_room(seats.len(), guests, viewer) {
            return Response::error("too many viewers", 503);
        }
        if seats.is_empty() {
            // What is known from earlier viewers nobody has kept up since.
            self.forget();
        }
        let is_greeted = !viewer.looks_at_hub();
        let seat = Seat { greeted: is_greeted, ..Seat::new(viewer, self.now()) };
        let (socket, response) = sockets::accept(&self.state, &seat.write())?;
        if is_greeted {
            pulse::greet(&socket);
            self.keep_pulsing();
            return Ok(response);
        }
        let is_loaded = self.is_loaded() && !self.is_feed_missing();
        if self.is_loaded() && !viewer.feed {
            self.greet(&socket, seat);
        }
        self.greet_feed();
        self.keep_feeding();
        self.keep_pulsing();
        // The hub may not know yet that somebody looks.
        let windows = self.windows();
        let step = self.watch.borrow_mut().changed(&windows, self.now());
        if !is_loaded || step == Step::Tell {
            let this = Rc::clone(self);
            self.state.wait_until(this.ask());
        }
        Ok(response)
    }

    fn greet(&self, socket: &WebSocket, seat: Seat) {
        let snapshot = self.fleet.borrow().snapshot(seat.viewer.sees_hidden, self.now().0);
        match snapshot {
            Ok(text) => {
                keep(socket, &Seat { greeted: true, whole: self.is_loaded(), ..seat });
                send(socket, &text);
            }
            Err(error) => log::error("viewers.snapshot", &error.to_string()),
        }
    }

    /// A digest comes: everybody is told what is for them.
    fn take(self: &Rc<Self>, text: &str) -> Result<Response> {
        let digest = match serde_json::from_str::<Digest>(text) {
            Ok(digest) => digest,
            Err(error) => return Response::error(format!("no digest: {error}"), 400),
        };
        self.keep_feeding();
        let seats = self.seats();
        let viewers = seats.iter().filter(|(_, seat)| seat.viewer.looks_at_hub()).count();
        let viewers = u32::try_from(viewers).unwrap_or(u32::MAX);
        if viewers > 0 {
            let changes = self.fleet.borrow_mut().take(digest);
            // What a guest may be told of a change depends on what was before it, which sleep has taken.
            let blind = !self.is_loaded();
            if blind && seats.iter().any(|(_, seat)| !seat.viewer.sees_hidden) {
                let this = Rc::clone(self);
                self.state.wait_until(this.ask());
            } else {
                self.tell(&seats, &changes);
            }
        }
        Response::from_json(&DigestReply { viewers })
    }

    /// Sends what changed to everybody who was greeted: one text for all who see the same.
    fn tell(&self, seats: &[(WebSocket, Seat)], changes: &Changes) {
        let now_ms = self.now().0;
        let text = |sees_hidden: bool| match self.fleet.borrow().delta(changes, sees_hidden, now_ms) {
            Ok(text) => text,
            Err(error) => {
                log::error("viewers.delta", &error.to_string());
                None
            }
        };
        for sees_hidden in [true, false] {
            let is_told = |seat: &Seat| {
                seat.greeted
                    && !seat.viewer.feed
                    && seat.viewer.pulse.is_none()
                    && seat.viewer.sees_hidden == sees_hidden
            };
            let to = seats.iter().filter(|(_, seat)| is_told(seat));
            let mut to = to.peekable();
            if to.peek().is_none() {
                continue;
            }
            if let Some(text) = text(sees_hidden) {
                to.for_each(|(socket, _)| send(socket, &text));
            }
        }
    }

    /// Sends everything to everybody, once all of it is known.
    fn tell_all(&self) {
        let now_ms = self.now().0;
        for sees_hidden in [true, false] {
            let is_told = |seat: &Seat| {
                !seat.viewer.feed && seat.viewer.pulse.is_none() && seat.viewer.sees_hidden == sees_hidden
            };
            let seats = self.seats().into_iter().filter(|(_, seat)| is_told(seat));
            let seats: Vec<_> = seats.collect();
            if seats.is_empty() {
                continue;
            }
            let text = self.fleet.borrow().snapshot(sees_hidden, now_ms);
            match text {
                Ok(text) => {
                    for (socket, seat) in seats {
                        if !(seat.greeted && seat.whole) {
                            keep(&socket, &Seat { greeted: true, whole: true, ..seat });
                        }
                        send(&socket, &text);
                    }
                }
                Err(error) => log::error("viewers.snapshot", &error.to_string()),
            }
        }
    }

    /// Whether somebody is told what the hub pushes.
    fn is_hub_watched(&self) -> bool {
        self.seats().iter().any(|(_, seat)| seat.viewer.looks_at_hub())
    }

    fn windows(&self) -> Vec<i64> {
        let mut windows: Vec<Vec<i64>> = self.seats().into_iter().map(|(_, seat)| seat.window).collect();
        if self.is_feed_wanted() {
            // Who is told of all looks at the first of them.
            windows.push(self.fleet.borrow().first_in_feed(MAX_WINDOW));
        }
        watch::union(&windows)
    }

    async fn windows_changed(self: &Rc<Self>) {
        if !self.is_hub_watched() {
            return;
        }
        let (windows, now) = (self.windows(), self.now());
        let step = self.watch.borrow_mut().changed(&windows, now);
        match step {
            Step::Nothing => {}
            Step::Tell => Rc::clone(self).ask().await,
            Step::Alarm(due) => self.ring(due).await,
        }
    }

    /// Tells every hub shard what is looked at and, where the fleet is not known, asks for all of it; the one who asks while
    /// another does is answered by a second round.
    async fn ask(self: Rc<Self>) {
        let began_ms = self.now().0;
        if self.asking.get().is_some_and(|since_ms| began_ms.saturating_sub(since_ms) < CALL_MS) {
            self.again.set(true);
            return;
        }
        self.asking.set(Some(began_ms));
        loop {
            self.again.set(false);
            self.ask_once().await;
            if !self.again.get() {
                break;
            }
        }
        self.asking.set(None);
    }

    async fn ask_once(&self) {
        let needs = |(_, seat): &(WebSocket, Seat)| {
            seat.viewer.pulse.is_none() && !(seat.greeted && seat.whole && seat.viewer.sees_hidden)
        };
        let missing = self.is_feed_missing();
        let snapshot = missing || (!self.is_loaded() && self.seats().iter().any(needs));
        let feed = self.is_feed_wanted();
        let request = WatchRequest { hosts: self.windows(), for_s: watch::WATCH_S, snapshot, feed };
        let (mut all_answered, mut changes) = (true, Changes::default());
        let era = self.era.get();
        for shard in 0..self.shards {
            let answer = self.call(shard, &request).await;
            if self.era.get() != era {
                return;
            }
            match answer {
                Ok(Some(digest)) => changes.add(self.fleet.borrow_mut().take_all(digest)),
                Ok(None) => {}
                Err(error) => {
                    log::error("viewers.watch", &format!("shard {shard}: {error}"));
                    all_answered = false;
                    changes.add(self.fleet.borrow_mut().miss(shard));
                }
            }
        }
        self.greet_feed();
        if snapshot && !missing && self.is_loaded() {
            self.tell_all();
        } else {
            // A snapshot of a part would make those forget the rest who know it.
            self.tell(&self.seats(), &changes);
            for (socket, seat) in self
                .seats()
                .into_iter()
                .filter(|(_, seat)| !seat.greeted && !seat.viewer.feed && seat.viewer.pulse.is_none())
            {
                self.greet(&socket, seat);
            }
        }
        if self.seats().is_empty() {
            return;
        }
        let due = self.watch.borrow_mut().told(request.hosts, all_answered, self.now());
        if let Some(due) = due {
            self.ring(due).await;
        }
    }

    /// One shard's answer: a digest of all its hosts where it was asked for.
    async fn call(&self, shard: u32, request: &WatchRequest) -> std::result::Result<Option<Digest>, ViewersError> {
        let body = serde_json::to_string(request).map_err(Error::from)?;
        let mut answer = self.objects.post(Class::Hub, &format!("hub-{shard}"), "watch", &body).await?;
        match answer.status_code() {
            200 if request.snapshot => Ok(Some(answer.json().await?)),
            200 => Ok(None),
            status => Err(ViewersError::Refused(status)),
        }
    }

    pub(super) async fn ring(&self, due: UnixMillis) {
        // As a while from now: the tests' clock may be ahead of the runtime's.
        let wait = Duration::from_millis(u64::try_from(due.0.saturating_sub(self.now().0)).unwrap_or(0));
        if let Err(error) = self.state.storage().set_alarm(wait).await {
            log::error("viewers.alarm", &error.to_string());
        }
    }

    pub(super) fn end_those_whose_time_has_come(&self) {
        let now = self.now();
        for (socket, seat) in self.seats() {
            let heard = sockets::answered_at_ms(&self.state, &socket).map(UnixMillis);
            if let Some(why) = seat.end(heard, now) {
                let (code, reason) = End::words(why);
                end(&socket, code, reason);
            }
        }
    }

    /// A credential was taken away: everybody has to show again who they are, which the page does by itself.
    fn let_all_show_again(&self) {
        let (code, reason) = End::words(End::Over);
        for (socket, _) in self.seats() {
            end(&socket, code, reason);
        }
    }

    /// Nothing is known any more.
    fn forget(&self) {
        self.era.set(self.era.get().wrapping_add(1));
        self.fleet.take();
        self.watch.take();
        self.pulse.forget();
    }

    /// A viewer has left. With the last one all ends: no alarm, nothing known, and the hub need not go on.
    async fn left(self: &Rc<Self>) {
        if !self.seats().is_empty() {
            return self.windows_changed().await;
        }
        self.forget();
        if let Err(error) = self.state.storage().delete_alarm().await {
            log::error("viewers.alarm", &error.to_string());
        }
        let nobody = WatchRequest { hosts: Vec::new(), for_s: 0, snapshot: false, feed: false };
        for shard in 0..self.shards {
            if self.seats().is_empty() {
                // It would find out by itself.
                let _ = self.call(shard, &nobody).await;
            }
        }
        // Who reloads a page is back by now, and the hub may have heard of that first.
        if !self.seats().is_empty() {
            Rc::clone(self).ask().await;
        }
    }
}

pub(super) fn seat_of(socket: &WebSocket) -> Option<Seat> {
    sockets::attached(socket).and_then(|bytes| Seat::read(&bytes))
}

pub(super) fn keep(socket: &WebSocket, seat: &Seat) {
    if let Err(error) = sockets::attach(socket, &seat.write()) {
        log::error("viewers.attach", &error.to_string());
    }
}

/// Sends to one; whoever cannot take it is let go, and nobody else notices.
pub(super) fn send(socket: &WebSocket, text: &str) {
    if socket.send_with_str(text).is_err() {
        end(socket, 1011, "the connection broke");
    }
}

fn end(socket: &WebSocket, code: u16, reason: &str) {
    // It may be closed already.
    let _ = socket.close(Some(code), Some(reason));
}
