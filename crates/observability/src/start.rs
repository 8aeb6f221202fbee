use std::{io::IsTerminal, str::FromStr};

use opentelemetry::trace::TracerProvider;
use opentelemetry_otlp::{SpanExporter, WithExportConfig};
use opentelemetry_sdk::{
    Resource,
    trace::{Sampler, SdkTracerProvider},
};
use tracing_subscriber::{Layer, filter::Targets, layer::SubscriberExt, util::SubscriberInitExt};

/// How log lines look.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LogFormat {
    /// One JSON object a line, for machines.
    Json,
    /// For a person's eyes.
    Text,
}

impl FromStr for LogFormat {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "json" => Ok(Self::Json),
            "text" => Ok(Self::Text),
            _ => Err("one of `json`, `text` is wanted"),
        }
    }
}

impl Default for LogFormat {
    /// Text on a terminal, JSON elsewhere.
    fn default() -> Self {
        if std::io::stdout().is_terminal() { Self::Text } else { Self::Json }
    }
}

/// What is logged and traced, and where to.
#[derive(Clone, Debug, PartialEq)]
pub struct Options {
    /// The name of the service in traces.
    pub service: &'static str,
    /// How log lines look.
    pub format: LogFormat,
    /// What is logged: a level, or directives (`info,auth=debug`).
    pub level: String,
    /// The OTLP/HTTP collector (`http://collector:4318`), if there is one.
    pub collector: Option<String>,
    /// The share of requests that are traced, 0 to 1, unless the caller decided.
    pub sampled: f64,
}

/// Why logs and traces could not be set up.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The level is none.
    #[error("the log level `{0}` cannot be read")]
    Level(String),
    /// The exporter of traces refused its settings.
    #[error("traces cannot be sent to the collector")]
    Collector(#[from] opentelemetry_otlp::ExporterBuildError),
    /// Something else took the logs already.
    #[error("logs are set up already")]
    Twice,
}

/// Ends with the process: sends off the last spans when dropped.
#[derive(Debug)]
pub struct Started {
    tracer: Option<SdkTracerProvider>,
}

impl Drop for Started {
    fn drop(&mut self) {
        if let Some(tracer) = self.tracer.take() {
            // The process ends either way; spans that cannot be sent are lost.
            let _ = tracer.shutdown();
        }
    }
}

/// Sets up logs and traces for this process, once.
///
/// # Errors
/// [`StartError`] says what is wrong with the options.
pub fn start(options: &Options) -> Result<Started, StartError> {
    let filter: Targets = options.level.parse().map_err(|_why| StartError::Level(options.level.clone()))?;
    let lines = match options.format {
        LogFormat::Json => {
            tracing_subscriber::fmt::layer().json().flatten_event(true).with_span_list(false).boxed()
        }
        LogFormat::Text => {
            let colour = std::io::stdout().is_terminal();
            tracing_subscriber::fmt::layer().with_target(false).with_ansi(colour).boxed()
        }
    };
    let tracer = options.collector.as_deref().map(|url| tracer(options, url)).transpose()?;
    let spans = tracer.as_ref().map(|provider| {
        tracing_opentelemetry::layer().with_tracer(provider.tracer("plinth")).with_location(false)
    });
    let subscriber = tracing_subscriber::registry().with(lines.with_filter(filter)).with(spans);
    subscriber.try_init().map_err(|_why| StartError::Twice)?;
    Ok(Started { tracer })
}

fn tracer(options: &Options, url: &str) -> Result<SdkTracerProvider, StartError> {
    let endpoint = format!("{}/v1/traces", url.trim_end_matches('/'));
    let exporter = SpanExporter::builder().with_http().with_endpoint(endpoint).build()?;
    let sampler = Sampler::ParentBased(Box::new(Sampler::TraceIdRatioBased(options.sampled)));
    Ok(SdkTracerProvider::builder()
        .with_resource(Resource::builder().with_service_name(options.service).build())
        .with_sampler(sampler)
        .with_batch_exporter(exporter)
        .build())
}
