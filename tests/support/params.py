"""The definitions that builds take, as conf/base.toml has them: `DEFINITIONS | {name: another}` for a test's own."""

from lakehouse.config import load_config

DEFINITIONS = dict(load_config("local").params)
