//! Hibernatable sockets of a Durable Object: accepting them, the bytes that outlive its sleep, the answer to a ping.

use wasm_bindgen::{JsCast, JsValue};
use worker::js_sys::{Array, Date, Uint8Array};
use worker::worker_sys::web_sys;
use worker::{Response, State, WebSocket, WebSocketPair, WebSocketRequestResponsePair};

use super::ffi::{RawSocket, RawState};

/// What a peer sends as a text to say that it is there, and what the runtime answers without waking the object.
const PING: &str = "ping";
const PONG: &str = "pong";

/// The most bytes that [`attach`] can keep of one socket. Source: the runtime's 16,384 bytes after serialisation, less its header.
pub const MAX_ATTACHED_BYTES: usize = 16_300;

/// Lets the runtime answer pings from now on; call it in the constructor.
pub fn answer_pings(state: &State) {
    answer(state, PING, PONG);
}

/// Lets the runtime answer one text by another from now on; call it in the constructor.
pub fn answer(state: &State, text: &str, reply: &str) {
    // Two short texts cannot be refused; were they, pings would wake the object and be answered by nobody, which a peer sees.
    if let Ok(pair) = WebSocketRequestResponsePair::new(text, reply) {
        state.set_websocket_auto_response(&pair);
    }
}

/// A socket whose one end the object keeps, across its sleep; the answer takes the other end to the peer.
///
/// # Errors
/// When the runtime refuses it: an object holds 32,768 sockets at most.
pub fn accept(state: &State, attached: &[u8]) -> worker::Result<(WebSocket, Response)> {
    let pair = WebSocketPair::new()?;
    raw_state(state).accept(raw(&pair.server))?;
    attach(&pair.server, attached)?;
    Ok((pair.server, Response::from_websocket(pair.client)?))
}

/// As [`accept`], with a tag by which the socket is known for as long as it lives.
///
/// # Errors
/// As [`accept`].
pub fn accept_tagged(state: &State, attached: &[u8], tag: &str) -> worker::Result<(WebSocket, Response)> {
    let pair = WebSocketPair::new()?;
    raw_state(state).accept_tagged(raw(&pair.server), &Array::of1(&JsValue::from_str(tag)))?;
    attach(&pair.server, attached)?;
    Ok((pair.server, Response::from_websocket(pair.client)?))
}

/// The tag of a socket, without reading what is kept with it: 4 microseconds.
pub fn tag(state: &State, socket: &WebSocket) -> Option<String> {
    raw_state(state).tags(raw(socket)).ok()?.get(0).as_string()
}

/// Whether the socket is open: one that closes is still among the object's sockets while its close is told.
pub fn is_open(socket: &WebSocket) -> bool {
    AsRef::<web_sys::WebSocket>::as_ref(socket).ready_state() == web_sys::WebSocket::OPEN
}

/// Keeps bytes with a socket, in place of those before; they live as long as the socket does. It takes 2 to 15 microseconds.
///
/// # Errors
/// When the runtime refuses them: above [`MAX_ATTACHED_BYTES`].
pub fn attach(socket: &WebSocket, bytes: &[u8]) -> worker::Result<()> {
    Ok(raw(socket).attach(&Uint8Array::from(bytes))?)
}

/// The bytes kept with a socket; `None` when there are none.
pub fn attached(socket: &WebSocket) -> Option<Vec<u8>> {
    let value = raw(socket).attachment().ok()?;
    value.dyn_ref::<Uint8Array>().map(Uint8Array::to_vec)
}

/// When the runtime last answered a ping on this socket, Unix milliseconds; `None` before the first.
pub fn answered_at_ms(state: &State, socket: &WebSocket) -> Option<i64> {
    let value: JsValue = raw_state(state).answered_at(raw(socket)).ok()?;
    #[expect(clippy::cast_possible_truncation, reason = "milliseconds of centuries are exact")]
    value.dyn_ref::<Date>().map(|date| date.get_time() as i64)
}

fn raw(socket: &WebSocket) -> &RawSocket {
    AsRef::<web_sys::WebSocket>::as_ref(socket).unchecked_ref()
}

fn raw_state(state: &State) -> &RawState {
    state.as_raw().unchecked_ref()
}
