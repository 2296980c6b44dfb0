//! Metrics by OpenTelemetry's names, as Prometheus shows them.

use super::{Outcome, Tour};

pub(crate) const TITLE: &str = "Metrics by OpenTelemetry's names, as Prometheus shows them";

#[cfg(not(feature = "metrics"))]
pub(crate) async fn show(_: &Tour) -> Outcome {
    Ok(String::from("not built in: --features metrics"))
}

#[cfg(feature = "metrics")]
pub(crate) async fn show(tour: &Tour) -> Outcome {
    use std::time::Duration;

    let recorder = metrics_exporter_prometheus::PrometheusBuilder::new().build_recorder();
    let manager = {
        // For this thread only, and until the instruments are made. A program installs one for all.
        let _recorder = metrics::set_default_local_recorder(&recorder);
        tour.connect("metrics", 1, 2, |_| {}).await?
    };
    drop((manager.acquire().await?, manager.acquire().await?));
    manager.record_gauges();
    let page = recorder.handle().render();
    let lines: Vec<_> =
        page.lines().filter(|line| line.contains("db_client_connection_count{")).collect();
    lines.iter().for_each(|line| println!("{line}"));
    let is_idle = |line: &&str| line.contains(r#"state="idle""#) && line.ends_with(" 2");
    ensure!(lines.iter().any(is_idle), "no line says that two are idle:\n{page}");
    manager.close(Duration::from_secs(5)).await?;
    Ok(format!("{} metrics", page.matches("# TYPE").count()))
}
