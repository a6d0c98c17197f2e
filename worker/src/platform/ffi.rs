//! What the SDK does not wrap.

use wasm_bindgen::JsValue;
use wasm_bindgen::prelude::wasm_bindgen;

#[wasm_bindgen]
extern "C" {
    /// The runtime's URL parser: the one that will read the address when it is fetched.
    pub type Url;

    #[wasm_bindgen(constructor, catch, js_class = "URL")]
    pub fn new(text: &str) -> Result<Url, JsValue>;

    #[wasm_bindgen(method, getter)]
    pub fn hostname(this: &Url) -> String;
}
