//! Settings that change while requests run.

mod configured;
mod instances;
mod limits;
mod process;
mod refused;
mod rest;
mod storm;
mod watched;
