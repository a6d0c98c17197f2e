//! What the SDK does not wrap, or wraps so that a refusal of the runtime would be a panic.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;
use worker::js_sys::{Array, Object, Promise, Uint8Array};

#[wasm_bindgen]
extern "C" {
    /// The runtime's URL parser: the one that will read the address when it is fetched.
    pub type Url;

    #[wasm_bindgen(constructor, catch, js_class = "URL")]
    pub fn new(text: &str) -> Result<Url, JsValue>;

    #[wasm_bindgen(method, getter)]
    pub fn hostname(this: &Url) -> String;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = importKey)]
    pub fn import_key(
        format: &str,
        key: &JsValue,
        algorithm: &JsValue,
        extractable: bool,
        uses: &Array,
    ) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = deriveBits)]
    pub fn derive_bits(algorithm: &JsValue, key: &JsValue, bits: u32) -> Result<Promise, JsValue>;

    #[wasm_bindgen(catch, js_namespace = ["crypto", "subtle"], js_name = verify)]
    pub fn verify(
        algorithm: &JsValue,
        key: &JsValue,
        signature: &Uint8Array,
        message: &Uint8Array,
    ) -> Result<Promise, JsValue>;

    /// A hibernatable WebSocket.
    pub type RawSocket;

    #[wasm_bindgen(method, catch, js_name = serializeAttachment)]
    pub fn attach(this: &RawSocket, bytes: &Uint8Array) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = deserializeAttachment)]
    pub fn attachment(this: &RawSocket) -> Result<JsValue, JsValue>;

    /// The state of a Durable Object.
    pub type RawState;

    #[wasm_bindgen(method, catch, js_name = acceptWebSocket)]
    pub fn accept(this: &RawState, socket: &RawSocket) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = acceptWebSocket)]
    pub fn accept_tagged(this: &RawState, socket: &RawSocket, tags: &Array) -> Result<(), JsValue>;

    #[wasm_bindgen(method, catch, js_name = getTags)]
    pub fn tags(this: &RawState, socket: &RawSocket) -> Result<Array, JsValue>;

    #[wasm_bindgen(method, getter)]
    pub fn storage(this: &RawState) -> RawStorage;

    /// The storage of a Durable Object.
    pub type RawStorage;

    #[wasm_bindgen(method, catch, js_name = transactionSync)]
    pub fn transaction_sync(
        this: &RawStorage,
        work: &mut dyn FnMut() -> Result<JsValue, JsValue>,
    ) -> Result<JsValue, JsValue>;

    #[wasm_bindgen(method, catch, js_name = getWebSocketAutoResponseTimestamp)]
    pub fn answered_at(this: &RawState, socket: &RawSocket) -> Result<JsValue, JsValue>;

    /// How the runtime writes times.
    pub type DateTimeFormat;

    #[wasm_bindgen(constructor, catch, js_namespace = Intl)]
    pub fn new(locale: &str, options: &Object) -> Result<DateTimeFormat, JsValue>;

    #[wasm_bindgen(method, catch)]
    pub fn format(this: &DateTimeFormat, at_ms: f64) -> Result<String, JsValue>;

    /// A stream that compresses.
    pub type Compression;

    #[wasm_bindgen(constructor, catch, js_class = "CompressionStream")]
    pub fn new(format: &str) -> Result<Compression, JsValue>;

    /// A stream that takes that back.
    pub type Decompression;

    #[wasm_bindgen(constructor, catch, js_class = "DecompressionStream")]
    pub fn new(format: &str) -> Result<Decompression, JsValue>;

    /// A stream that can be read.
    pub type Stream;

    #[wasm_bindgen(method, catch, js_name = pipeThrough)]
    pub fn pipe_through(this: &Stream, transform: &JsValue) -> Result<Stream, JsValue>;
}
