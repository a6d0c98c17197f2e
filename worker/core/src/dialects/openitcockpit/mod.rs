//! openITCOCKPIT: what its agents send to a server, and what a server answers. Source: openitcockpit specification, 1 to 3.

mod read;
mod register;
mod reply;
mod submit;

pub use register::RegisterRequest;
pub use reply::{NotAllowedReply, ProblemReply, ReceivedReply, RegisteredReply, SuccessReply, bad_request, render};
pub use submit::Submission;
