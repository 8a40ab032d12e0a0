//! Services of a stage.

use super::step::{AllowDocument, LimitsDocument, ResourcesDocument};
use crate::{
    plan::Pull,
    read::{EnvName, OneOrMany, Seconds, Table, Templated, document},
};

document! {
    /// A container that runs beside the steps of a stage.
    ServiceDocument, "a service":
    /// Image reference.
    image = "image": Templated, required;
    /// When the image is fetched: `missing` (the default), `always` or `never`.
    pull = "pull": Pull;
    /// Program and arguments to start, instead of the image's own.
    entrypoint = "entrypoint": OneOrMany<String>;
    /// Arguments of the program, instead of the image's own.
    command = "command": OneOrMany<String>;
    /// User to run as; by default the image's own.
    user = "user": String;
    /// Environment variables.
    env = "env": Table<EnvName, Templated>;
    /// When steps may use it; without it, as soon as it runs.
    ready = "ready": ReadyDocument;
    /// Caps.
    limits = "limits": LimitsDocument;
    /// Grants; nothing by default.
    allow = "allow": AllowDocument;
    /// What it needs of the machine.
    resources = "resources": ResourcesDocument;
}

document! {
    /// When a service is ready: one of `tcp`, `http` and `command`.
    ReadyDocument, "a readiness check":
    /// Something listens on this port.
    tcp = "tcp": u32;
    /// `GET` is answered with a status below 400: `":8080/health"`.
    http = "http": String;
    /// This program and its arguments succeed inside.
    command = "command": OneOrMany<String>;
    /// How long it may take; by default a minute.
    within = "within": Seconds;
}
