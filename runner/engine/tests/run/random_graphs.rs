use std::{
    collections::{HashMap, HashSet},
    sync::Arc,
};

use proptest::prelude::*;
use runner_engine::{
    event::EventKind,
    scripted::{Act, ScriptedExecutor},
};

use crate::plans::{Place, PlanBuilder};

/// Steps in stages: for each step the steps before it that it waits for, and whether it fails.
fn graphs() -> impl Strategy<Value = (Vec<(Vec<prop::sample::Index>, bool)>, usize, usize)> {
    let step = (prop::collection::vec(any::<prop::sample::Index>(), 0..4), prop::bool::weighted(0.1));
    (prop::collection::vec(step, 1..40), 1_usize..5, 1_usize..6)
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 48, ..ProptestConfig::default() })]

    #[test]
    fn every_step_runs_once_after_what_it_needs((steps, stages, jobs) in graphs()) {
        let mut plan = PlanBuilder::new().stage("stage0");
        let per_stage = steps.len().div_ceil(stages);
        let mut after: HashMap<String, Vec<String>> = HashMap::new();
        let mut script = ScriptedExecutor::new();
        for (number, (before, fails)) in steps.iter().enumerate() {
            if number > 0 && number % per_stage == 0 {
                plan = plan.stage(&format!("stage{}", number / per_stage));
            }
            let id = format!("s{number}");
            let before: HashSet<String> = if number == 0 {
                HashSet::new()
            } else {
                before.iter().map(|index| format!("s{}", index.index(number))).collect()
            };
            let before: Vec<String> = before.into_iter().collect();
            let names: Vec<&str> = before.iter().map(String::as_str).collect();
            plan = plan.step(&id, &names);
            after.insert(id.clone(), before);
            if *fails {
                script = script.on(&id, [Act::fail(1)]);
            }
        }
        let planned = plan.plan.clone();
        let executor = Arc::new(script);
        let place = Place::new();
        let mut options = place.options(plan, executor.clone());
        options.jobs = Some(jobs);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().unwrap();
        let run = runtime.block_on(place.run_with(options));

        let order = executor.order();
        let unique: HashSet<&String> = order.iter().collect();
        prop_assert_eq!(unique.len(), order.len());
        prop_assert!(executor.most_at_once() <= jobs);
        for (number, event) in run.events.iter().enumerate() {
            prop_assert_eq!(event.seq, number as u64);
        }
        // What the events say happened, in their order.
        let mut good = HashSet::new();
        let mut ended = HashSet::new();
        let mut closed = HashSet::new();
        for event in &run.events {
            match &event.kind {
                EventKind::StepStarted { step, stage, .. } => {
                    for before in &after[step] {
                        prop_assert!(good.contains(before), "{} before {}", step, before);
                    }
                    let index = planned.stages.iter().position(|planned| planned.name == *stage).unwrap();
                    for needed in &planned.stages[index].needs {
                        prop_assert!(closed.contains(&planned.stages[*needed].name));
                    }
                }
                EventKind::StepFinished { step, result, .. } => {
                    prop_assert!(ended.insert(step.clone()));
                    let failed = matches!(result, runner_engine::event::StepResult::Ran(outcome) if !outcome.is_success());
                    if !failed {
                        good.insert(step.clone());
                    }
                }
                EventKind::StepSkipped { step, .. } => prop_assert!(ended.insert(step.clone())),
                EventKind::StageFinished { stage, .. } => prop_assert!(closed.insert(stage.clone())),
                _ => {}
            }
        }
        prop_assert_eq!(ended.len(), steps.len());
        prop_assert_eq!(closed.len(), planned.stages.len());
        let expected = u8::from(good.len() < steps.len());
        prop_assert_eq!(run.summary.exit_code, expected);
    }
}
