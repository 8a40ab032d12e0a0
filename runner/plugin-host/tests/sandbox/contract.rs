//! The contract of executors, held by the plugin host.

use std::sync::Arc;

use runner_engine::{
    contract::{self, CONTENT, Deed, ExecutorUnderTest, LINE},
    executor::Executor,
};
use runner_workflow::plan::Action;
use serde_json::{Value, json};

use crate::stage::Stage;

struct Subject(Stage);

impl ExecutorUnderTest for Subject {
    fn executor(&self) -> Arc<dyn Executor> {
        self.0.host.clone()
    }

    fn action(&self, deed: Deed) -> (Action, Value) {
        let config = match deed {
            Deed::Write => json!({ "deed": "write", "text": String::from_utf8_lossy(CONTENT) }),
            Deed::Copy => json!({ "deed": "copy" }),
            Deed::Fail => json!({ "deed": "fail" }),
            Deed::Linger => json!({ "deed": "linger" }),
            Deed::Log => json!({ "deed": "log", "text": LINE }),
            Deed::Report => json!({ "deed": "report" }),
            Deed::Impossible => {
                return (Action::Plugin { uses: "./missing.wasm".into() }, json!({}));
            }
        };
        (Action::Plugin { uses: self.0.guest("obey") }, config)
    }

    fn left_running(&self) -> usize {
        self.0.host.running()
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_clause_is_kept() {
    contract::check(&Subject(Stage::new())).await.unwrap();
}
