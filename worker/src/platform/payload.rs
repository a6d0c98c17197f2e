//! A body that is handed on. What the runtime holds of it never comes into our memory unless somebody wants to read it: bringing a
//! megabyte in and out again costs more than everything else about an answer.

use worker::js_sys::{ArrayBuffer, Uint8Array};
use worker::send::SendWrapper;
use worker::wasm_bindgen::JsCast;
use worker::wasm_bindgen_futures::JsFuture;
use worker::worker_sys::web_sys;
use worker::{Error, Response, Result};

/// A body, all of it.
#[derive(Debug, Clone)]
pub struct Payload(Held);

#[derive(Debug, Clone)]
enum Held {
    Here(Vec<u8>),
    ByRuntime(SendWrapper<ArrayBuffer>),
}

impl Payload {
    /// The body of an object's answer, once all of it has come: what breaks off is found before anything is handed on, and the
    /// object has done its work however slow the reader is.
    ///
    /// # Errors
    /// In the platform's words, when it broke off.
    pub async fn of(response: Response) -> Result<Self> {
        let buffer = JsFuture::from(web_sys::Response::from(response).array_buffer()?).await?;
        let buffer = buffer.dyn_into().map_err(|_| Error::from("a body that is no buffer"))?;
        Ok(Self(Held::ByRuntime(SendWrapper::new(buffer))))
    }

    /// The bytes.
    pub fn into_bytes(self) -> Vec<u8> {
        match self.0 {
            Held::Here(bytes) => bytes,
            Held::ByRuntime(buffer) => Uint8Array::new(&buffer.0).to_vec(),
        }
    }

    /// An answer with this body.
    ///
    /// # Errors
    /// In the platform's words.
    pub fn into_response(self) -> Result<Response> {
        match self.0 {
            Held::Here(bytes) => Response::from_bytes(bytes),
            Held::ByRuntime(buffer) => Ok(web_sys::Response::new_with_opt_buffer_source(Some(&buffer.0))?.into()),
        }
    }
}

impl From<Vec<u8>> for Payload {
    fn from(bytes: Vec<u8>) -> Self {
        Self(Held::Here(bytes))
    }
}
