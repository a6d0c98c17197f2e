//! Durable Objects as their callers see them: found by name, called by a request.

use worker::wasm_bindgen::JsValue;
use worker::{Env, Headers, Method, Request, RequestInit, Response, Result, Stub};

/// A class of objects, by its binding.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// The hot layer, by shard.
    Hub,
    /// The fan-out to browsers, one object.
    Viewers,
    /// Logins, slow hashes and exact limits, one object.
    Gate,
    /// What agents poll of Proxmox, one object.
    Proxmox,
}

/// All objects of the deployment.
#[derive(Clone)]
pub struct Objects(Env);

impl Class {
    const fn binding(self) -> &'static str {
        match self {
            Self::Hub => "HUB",
            Self::Viewers => "VIEWERS",
            Self::Gate => "GATE",
            Self::Proxmox => "PROXMOX",
        }
    }

    /// What stands in the address of a call, for logs alone.
    const fn word(self) -> &'static str {
        match self {
            Self::Hub => "hub",
            Self::Viewers => "viewers",
            Self::Gate => "gate",
            Self::Proxmox => "proxmox",
        }
    }
}

impl Objects {
    /// The objects that this environment has bindings for.
    pub fn new(env: &Env) -> Self {
        Self(env.clone())
    }

    /// The object of this name; it is made by the first call.
    ///
    /// # Errors
    /// When the deployment has no binding for the class.
    pub fn stub(&self, class: Class, name: &str) -> Result<Stub> {
        self.0.durable_object(class.binding())?.get_by_name(name)
    }

    /// Calls an object's operation with a JSON body and gives its answer, whatever its status.
    ///
    /// # Errors
    /// In the platform's words, when the object cannot be reached or breaks.
    pub async fn post(&self, class: Class, name: &str, operation: &str, body: &str) -> Result<Response> {
        self.post_with(class, name, operation, body, Headers::new()).await
    }

    /// As [`Objects::post`], with headers.
    ///
    /// # Errors
    /// As [`Objects::post`].
    pub async fn post_with(
        &self,
        class: Class,
        name: &str,
        operation: &str,
        body: &str,
        headers: Headers,
    ) -> Result<Response> {
        self.send(class, name, operation, body.into(), headers).await
    }

    /// As [`Objects::post`], with bytes.
    ///
    /// # Errors
    /// As [`Objects::post`].
    pub async fn post_bytes(&self, class: Class, name: &str, operation: &str, body: &[u8]) -> Result<Response> {
        self.send(class, name, operation, worker::js_sys::Uint8Array::from(body).into(), Headers::new()).await
    }

    async fn send(
        &self,
        class: Class,
        name: &str,
        operation: &str,
        body: JsValue,
        headers: Headers,
    ) -> Result<Response> {
        let mut init = RequestInit::new();
        init.with_method(Method::Post).with_headers(headers).with_body(Some(body));
        let request = Request::new_with_init(&address(class, operation), &init)?;
        self.stub(class, name)?.fetch_with_request(request).await
    }

    /// Opens a socket to an object's operation: the peer's request goes on with these headers alone.
    ///
    /// # Errors
    /// As [`Objects::post`].
    pub async fn connect(&self, class: Class, name: &str, operation: &str, headers: Headers) -> Result<Response> {
        let mut init = RequestInit::new();
        init.with_method(Method::Get).with_headers(headers);
        let request = Request::new_with_init(&address(class, operation), &init)?;
        self.stub(class, name)?.fetch_with_request(request).await
    }
}

fn address(class: Class, operation: &str) -> String {
    format!("https://{}/{operation}", class.word())
}
