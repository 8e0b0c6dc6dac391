//! Manifests, their mistakes, and what they render.

mod documentation;
mod load_balancers;
mod manifests;
mod real_haproxy;
mod rendering;
mod schema;
mod traits;
