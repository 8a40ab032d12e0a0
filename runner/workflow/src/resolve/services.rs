//! `services:` of a stage: containers that its steps can talk to.

use indexmap::IndexMap;

use super::{
    Context, action, container,
    matrix::Cell,
    outline::{Outline, StageOutline},
    settings,
};
use crate::{
    diagnostic::Diagnostic,
    document::{ReadyDocument, ServiceDocument},
    plan::{Container, Ready, Service},
    read::Spanned,
};

/// The services of a stage.
pub(crate) fn services(
    stage: &StageOutline<'_>,
    outline: &Outline<'_>,
    context: &mut Context<'_>,
) -> Vec<Service> {
    let Some(table) = &stage.document.services else { return Vec::new() };
    let steps = &outline.steps[stage.steps.clone()];
    if !steps.iter().any(|step| matches!(step.action, Some(action::Form::Container(_)))) {
        let message = "no step of this stage could reach its services";
        let problem = Diagnostic::error("services::no-container", table.key.clone(), message);
        context.problems.push(
            problem.help("services have a network of their own: the steps that use them need `container:`"),
        );
    }
    let mut services = Vec::with_capacity(table.entries.len());
    for (name, service) in &table.entries {
        if name.contains('_') {
            let message = format!("`{name}` cannot be the name of a machine");
            let problem = Diagnostic::error("services::name", service.key.clone(), message);
            context
                .problems
                .push(problem.help("steps reach a service under its name: use letters, digits and `-`"));
        }
        services.extend(one(name, service, context));
    }
    services
}

fn one(name: &str, service: &Spanned<ServiceDocument>, context: &mut Context<'_>) -> Option<Service> {
    let document = &service.value;
    let Some(image) = &document.image else {
        // Reported as missing when it was read.
        return None;
    };
    // The same for every cell of the stage: what differs between cells is not known here.
    let cell = Cell { id: Vec::new(), values: IndexMap::new() };
    let keys: (&[String], &[String]) = (&[], &[]);
    let form = container::Form::of_image(&image.value.0, image.span.clone());
    let Container { image, .. } = form.plan(&cell, keys, context);
    let image = match (image, &document.pull) {
        (crate::plan::ImageSource::Named { reference, .. }, Some(pull)) => {
            crate::plan::ImageSource::Named { reference, pull: pull.value }
        }
        (image, _) => image,
    };
    let mut env = Vec::new();
    for (name, value) in document.env.iter().flat_map(|env| &env.value.entries) {
        let reason = "services start before any step";
        let text = context.static_text(&value.value.0, &cell, keys, reason);
        env.push((name.clone(), text.unwrap_or_default()));
    }
    let texts = |list: &[Spanned<String>]| list.iter().map(|text| text.value.clone()).collect::<Vec<_>>();
    if let Some(user) = &document.user {
        container::check_user(user, context);
    }
    let (ready, ready_within) =
        document.ready.as_ref().map_or((None, None), |ready| condition(ready, context));
    Some(Service {
        name: name.to_owned(),
        container: Container {
            image,
            entrypoint: document.entrypoint.as_ref().map(|list| texts(&list.value.0)),
            workdir: None,
            user: document.user.as_ref().map(|user| user.value.clone()),
        },
        command: document.command.as_ref().map(|list| texts(&list.value.0)),
        env,
        ready,
        ready_within,
        allow: settings::allow(document.allow.as_ref(), true, context),
        limits: settings::limits(document.limits.as_ref(), context),
        resources: settings::resources(document.resources.as_ref(), context),
    })
}

/// What makes a service ready, and how long that may take.
fn condition(
    ready: &Spanned<ReadyDocument>,
    context: &mut Context<'_>,
) -> (Option<Ready>, Option<std::time::Duration>) {
    let document = &ready.value;
    let within = settings::duration(document.within.as_ref(), context);
    let mut port = |value: &Spanned<u32>| match u16::try_from(value.value) {
        Ok(port) if port > 0 => Some(port),
        _ => {
            settings::out_of_range(value.span.clone(), "a port between 1 and 65535", context);
            None
        }
    };
    let mut found = Vec::new();
    if let Some(tcp) = &document.tcp {
        found.push(port(tcp).map(Ready::Tcp));
    }
    if let Some(http) = &document.http {
        let text = http.value.trim_start_matches(':');
        let (number, path) = text.split_once('/').map_or((text, ""), |(number, path)| (number, path));
        let parsed = number.parse::<u16>().ok().filter(|port| *port > 0);
        if parsed.is_none() || path.contains(char::is_whitespace) {
            let message = format!("`{}` is not a port and a path", http.value);
            let problem = Diagnostic::error("services::ready", http.span.clone(), message);
            context.problems.push(problem.help("write `\":8080/health\"`"));
        }
        found.push(parsed.map(|port| Ready::Http { port, path: format!("/{path}") }));
    }
    if let Some(command) = &document.command {
        let words: Vec<String> = command.value.0.iter().map(|word| word.value.clone()).collect();
        found.push(Some(Ready::Command(words)));
    }
    if found.len() != 1 && !document.broken {
        let message = "a service is ready by one of `tcp`, `http` and `command`";
        let problem = Diagnostic::error("services::ready", ready.key.clone(), message);
        context.problems.push(problem.help("write one: `ready: { tcp: 5432 }`"));
    }
    (found.into_iter().next().flatten(), within)
}
