//! What others wrote for the products whose APIs we speak, unmodified, against the Worker.

mod mackerel;
mod python;
mod stock;
