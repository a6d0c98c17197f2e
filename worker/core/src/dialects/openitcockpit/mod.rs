//! openITCOCKPIT: what its agents send to a server and what a server answers, and the results that they measure. Version 3.6.1.
//! Source: openITCOCKPIT specification.

mod admin;
mod intake;
mod judged;
mod read;
mod register;
mod reply;
pub mod result;
mod submit;

pub use admin::{HostPart, OutputReply, PushListReply, PushPart, SelectReply, SelectRequest};
pub use register::RegisterRequest;
pub use reply::{
    KnownReply, NotAllowedReply, ProblemReply, ReceivedReply, RegisteredReply, SuccessReply, bad_request, render,
};
pub use submit::Submission;
