//! The command line of `pelton`: its words, its help, its exit codes. Turns flags into a layer of settings.
//!
//! Parses only: it starts nothing, reads no file, and checks no setting's value (`config` does, with all layers at hand).

use clap::{Args, Parser, Subcommand};

use crate::config::{Config, Layers, broker};

/// How the process ends. Scripts and systemd units rely on these numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExitCode {
    /// Stopped as asked.
    Ok = 0,
    /// Something failed while it ran; with `check --strict`, a warning.
    Runtime = 1,
    /// The command line makes no sense (clap's own code).
    Usage = 2,
    /// The host lacks what the broker cannot run without.
    Preflight = 3,
    /// The data directory is damaged: a file is missing or corrupt.
    Damaged = 4,
    /// The data directory is of another format version or another number of shards.
    OtherLayout = 5,
    /// Another broker holds the data directory or the port.
    Busy = 6,
    /// The data directory cannot be written: rights, a read-only or full file system, a failing disk.
    Unusable = 7,
    /// A setting is wrong.
    Config = 78,
}

impl ExitCode {
    /// The code with this number; [`ExitCode::Runtime`] for a number that is none.
    pub fn of(number: i32) -> Self {
        let all = [
            Self::Ok,
            Self::Usage,
            Self::Preflight,
            Self::Damaged,
            Self::OtherLayout,
            Self::Busy,
            Self::Unusable,
            Self::Config,
        ];
        let known = all.into_iter().find(|code| *code as i32 == number);
        known.unwrap_or(Self::Runtime)
    }
}

impl From<ExitCode> for std::process::ExitCode {
    fn from(code: ExitCode) -> Self {
        Self::from(code as u8)
    }
}

/// An event-streaming broker for Linux that speaks the Apache Kafka protocol.
///
/// Without a command it starts the broker: on 127.0.0.1:9092, with its data in ./pelton-data, one shard a core.
/// Every Kafka client can connect to it.
#[derive(Clone, Debug, Parser)]
#[command(name = "pelton", version, max_term_width = 110, after_long_help = AFTER_HELP, arg_required_else_help = false)]
pub struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub command: Option<Command>,
    /// Settings with flags of their own.
    #[command(flatten)]
    pub flags: Flags,
}

/// What to do; `start` unless said.
#[derive(Clone, Debug, PartialEq, Eq, Subcommand)]
pub enum Command {
    /// Start the broker (the default)
    Start,
    /// Say what this host lacks, and how to mend it
    ///
    /// Looks at the kernel, io_uring, limits, CPUs, memory and the disk under --data-dir. Changes nothing.
    /// tuning.md explains each line. Exit code 0, 3 if the broker cannot run here, 1 with --strict and a warning.
    Check {
        /// Print one JSON document
        #[arg(long)]
        json: bool,
        /// Exit with 1 if anything is worth a warning
        #[arg(long)]
        strict: bool,
    },
    /// Print a segment, index, journal file or manifest, and what is wrong with it
    ///
    /// Reads only, also files of Apache Kafka (segments). Exit code 4 if the file is damaged.
    Inspect {
        /// A file, or a directory of such files
        path: String,
        /// Print every record too, not only the batches
        #[arg(long)]
        records: bool,
    },
    /// List every setting: its value here, where that comes from, and what it is for
    Settings,
}

/// Settings with flags of their own; every other one is reached by --set.
#[derive(Clone, Debug, Default, Args)]
pub struct Flags {
    /// Read settings from this TOML file
    #[arg(long, global = true, value_name = "FILE", env = "PELTON_CONFIG")]
    pub config: Option<String>,
    /// Keep all data in this directory [env: PELTON_DATA_DIR] [default: ./pelton-data]
    #[arg(long, global = true, value_name = "DIR")]
    pub data_dir: Option<String>,
    /// Listen here; shard i listens on PORT+1+i [env: PELTON_LISTEN] [default: 127.0.0.1:9092]
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub listen: Option<String>,
    /// Serve /metrics, /healthz, /readyz and /shards here; off for none [env: PELTON_ADMIN_LISTEN] [default: 127.0.0.1:9644]
    #[arg(long, global = true, value_name = "HOST:PORT")]
    pub admin_listen: Option<String>,
    /// Tell clients to connect to this host name [env: PELTON_ADVERTISED_HOST] [default: the host of --listen]
    #[arg(long, global = true, value_name = "HOST")]
    pub advertised_host: Option<String>,
    /// Run this many shards; fixed at the first start [env: PELTON_SHARDS] [default: the usable cores]
    #[arg(long, global = true, value_name = "N")]
    pub shards: Option<String>,
    /// Set any setting, by Kafka's name where Kafka has one; repeatable
    #[arg(long, global = true, value_name = "KEY=VALUE", value_parser = key_value)]
    pub set: Vec<(String, String)>,
    /// Write log lines as text or json [env: PELTON_LOG_FORMAT] [default: text]
    #[arg(long, global = true, value_name = "FORMAT")]
    pub log_format: Option<String>,
    /// Log at this level: error, warn, info, debug, or module=level [env: PELTON_LOG_LEVEL] [default: info]
    #[arg(long, global = true, value_name = "LEVEL")]
    pub log_level: Option<String>,
}

impl Flags {
    /// The layers of `config`, given the text of [`Flags::config`]'s file (name and text) and the environment.
    /// A flag of its own wins over `--set` of the same setting; of two `--set`, the later.
    pub fn layers(&self, file: Option<(String, String)>, env: Vec<(String, String)>) -> Layers {
        let set = self
            .set
            .iter()
            .map(|(name, value)| (name.clone(), value.clone(), format!("--set {name}")));
        let own = [
            ("data.dir", "--data-dir", &self.data_dir),
            ("listen", "--listen", &self.listen),
            ("admin.listen", "--admin-listen", &self.admin_listen),
            (
                "advertised.host",
                "--advertised-host",
                &self.advertised_host,
            ),
            ("shards", "--shards", &self.shards),
            ("log.format", "--log-format", &self.log_format),
            ("log.level", "--log-level", &self.log_level),
        ];
        let own = own.into_iter().filter_map(|(name, flag, value)| {
            Some((name.to_owned(), value.clone()?, flag.to_owned()))
        });
        Layers {
            file,
            env,
            flags: set.chain(own).collect(),
        }
    }
}

/// Every setting with its value, origin and sentence, for `pelton settings`.
pub fn render_settings(config: &Config) -> String {
    broker::settings()
        .filter(|row| row.set_through.is_none())
        .map(|row| {
            let value = if row.sensitive {
                "(hidden)".to_owned()
            } else {
                config.value(row.name).to_string()
            };
            format!(
                "{} = {value}  ({})\n    {}\n",
                row.name,
                config.origin(row.name),
                row.doc
            )
        })
        .collect()
}

const AFTER_HELP: &str = "\
Examples:
  pelton                                          start on 127.0.0.1:9092, data in ./pelton-data
  pelton --data-dir /var/lib/pelton --listen 0.0.0.0:9092 --advertised-host broker1.example
  pelton --set num.partitions=8 --set auto.create.topics.enable=false
  pelton check --data-dir /var/lib/pelton         what this host lacks for that directory
  pelton inspect pelton-data/SHARD/.../00000000000000000000.log
  pelton settings                                 every setting, its value and origin

Settings:
  A setting is taken from the flags, else the environment, else the file of --config, else its default.
  In the environment num.partitions is PELTON_NUM_PARTITIONS. In the file it is TOML:
      num.partitions = 8
      listen = \"0.0.0.0:9092\"
      advertised.host = \"broker1.example\"
  Sizes of Pelton's own settings take units: journal.bytes.max = \"2GiB\". A name that does not exist is an error.

Exit codes:
  0 stopped as asked    1 failed while running    2 wrong command line    3 the host cannot run it (pelton check)
  4 damaged data        5 data of another format or number of shards      6 directory or port in use
  7 data directory cannot be written (rights, read-only, full)              78 wrong setting

Signals:
  SIGTERM or SIGINT stops cleanly within ten seconds; a second one stops at once. Nothing acknowledged is lost
  either way, unless write.caching is on.";

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((name, value)) if !name.trim().is_empty() => {
            Ok((name.trim().to_owned(), value.to_owned()))
        }
        _ => Err("expected KEY=VALUE, such as num.partitions=8".to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory as _;

    use super::*;
    use crate::config::Origin;

    fn parse(args: &[&str]) -> Cli {
        Cli::try_parse_from(std::iter::once("pelton").chain(args.iter().copied())).unwrap()
    }

    #[test]
    fn the_definition_is_sound() {
        Cli::command().debug_assert();
    }

    #[test]
    fn starting_needs_no_word() {
        assert_eq!(parse(&[]).command, None);
        assert_eq!(
            parse(&["--shards", "2", "start"]).command,
            Some(Command::Start)
        );
        assert_eq!(
            parse(&["check", "--json"]).command,
            Some(Command::Check {
                json: true,
                strict: false
            })
        );
        assert_eq!(
            parse(&["inspect", "x.log"]).command,
            Some(Command::Inspect {
                path: "x.log".into(),
                records: false
            })
        );
    }

    #[test]
    fn flags_stand_before_and_after_the_command_and_become_settings() {
        let cli = parse(&[
            "start",
            "--shards",
            "2",
            "--set",
            "num.partitions=8",
            "--set",
            "shards=5",
        ]);
        let config = Config::load(
            &cli.flags
                .layers(None, vec![("PELTON_SHARDS".into(), "7".into())]),
        )
        .unwrap();
        assert_eq!((config.shards, config.num_partitions), (Some(2), 8));
        assert_eq!(*config.origin("shards"), Origin::Flag("--shards".into()));
    }

    #[test]
    fn a_set_without_a_value_is_a_wrong_command_line() {
        let error = Cli::try_parse_from(["pelton", "--set", "num.partitions"]).unwrap_err();
        assert_eq!(error.exit_code(), ExitCode::Usage as i32);
        let empty = parse(&["--set", "log.cleanup.policy="]);
        assert_eq!(
            empty.flags.set,
            [("log.cleanup.policy".to_owned(), String::new())]
        );
    }

    #[test]
    fn help_names_every_exit_code_and_default() {
        let help = Cli::command().render_long_help().to_string();
        for needed in [
            "127.0.0.1:9092",
            "./pelton-data",
            "PELTON_NUM_PARTITIONS",
            "78 wrong setting",
            "6 directory or port",
        ] {
            assert!(help.contains(needed), "{needed} in {help}");
        }
    }

    #[test]
    fn the_list_of_settings_says_where_values_come_from() {
        let text = render_settings(&Config::from_pairs(&[("shards", "2")]).unwrap());
        assert!(text.contains("shards = 2  (flag --set)"), "{text}");
        assert!(text.contains("num.partitions = 1  (default)"));
        assert!(!text.contains("advertised.listeners"));
    }
}
