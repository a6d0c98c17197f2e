//! openITCOCKPIT: the wire types of the push mode and of the stock agent's own web server, version 3.6.1. Source: openITCOCKPIT
//! specification.

pub mod result;
