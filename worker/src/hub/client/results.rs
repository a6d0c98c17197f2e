//! Whole results: handed to the shard that has their host, and asked for.

use edgewatch_core::model::HostId;
use worker::{Method, Request, RequestInit};

use super::{Class, HubClient, HubError, identity, own_header, shard_name};
use crate::hub::results::wire::{ResultReply, ResultRequest};
use crate::hub::wire::{AgentWire, EPOCH_HEADER};
use crate::platform::payload::Payload;

impl HubClient {
    /// Hands over what an agent pushed; `epoch` is what the key was remembered under that came with it. What it answers to be taken is
    /// stored.
    ///
    /// # Errors
    /// [`HubError`] when the shard has no answer; it may be stored all the same, and sending it again is harmless.
    pub async fn result(
        &self,
        agent: &AgentWire,
        epoch: Option<u64>,
        checkdata: &str,
    ) -> Result<ResultReply, HubError> {
        let (own, headers) = own_header(identity(agent)?)?;
        let refused = |error: worker::Error| HubError::Unreachable(error.to_string());
        if let Some(epoch) = epoch {
            headers.set(EPOCH_HEADER, &epoch.to_string()).map_err(refused)?;
        }
        let mut init = RequestInit::new();
        init.with_method(Method::Post)
            .with_headers(headers)
            .with_body(Some(worker::js_sys::Uint8Array::from(checkdata.as_bytes()).into()));
        let request = Request::new_with_init("https://hub/result", &init).map_err(refused)?;
        let shard = self.shard_of(HostId(agent.host_id));
        let stub = self.objects.stub(Class::Hub, &shard_name(shard)).map_err(refused)?;
        let mut response = self.answered(stub.fetch_with_request(request).await, own).await?;
        match response.status_code() {
            200 => response.json().await.map_err(|error| HubError::Corrupt(error.to_string())),
            status => Err(HubError::Corrupt(format!("result answered {status}"))),
        }
    }

    /// What a host's agent checked last: the body of the answer to who asks. `None` when it pushed nothing.
    ///
    /// # Errors
    /// [`HubError`] when the shard has no answer.
    pub async fn last_result(&self, host: HostId) -> Result<Option<Payload>, HubError> {
        self.last(host, false).await
    }

    /// The same as a text for people, in a JSON text.
    ///
    /// # Errors
    /// As [`HubClient::last_result`].
    pub async fn last_output(&self, host: HostId) -> Result<Option<Payload>, HubError> {
        self.last(host, true).await
    }

    async fn last(&self, host: HostId, is_text: bool) -> Result<Option<Payload>, HubError> {
        let request = ResultRequest { host: host.0, is_text };
        let response = self.call(self.shard_of(host), "last-result", &request).await?;
        match response.status_code() {
            200 => Payload::of(response).await.map(Some).map_err(|error| HubError::Unreachable(error.to_string())),
            404 => Ok(None),
            status => Err(HubError::Corrupt(format!("last-result answered {status}"))),
        }
    }
}
