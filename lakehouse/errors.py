"""The errors that the lake raises on purpose; each knows the exit code that a job ends with."""


class LakeError(Exception):
    """Root of the errors raised on purpose. Its message is one sentence for a person."""

    exit_code = 1


class UsageError(LakeError):
    """Bad usage or configuration: nothing was touched."""

    exit_code = 2


class SuiteError(UsageError):
    """A suite in `expectations/` is empty, misspelled or can't be compiled."""


class HeldError(LakeError):
    """A suite held a feed's batch, or the audit refused the release."""

    exit_code = 3


class LeaseTakenError(LakeError):
    """Another run holds the lease, or won the race for it: nothing was written."""

    exit_code = 5


class StorageError(LakeError):
    """Storage or a service stayed out of reach after retries."""

    exit_code = 6


class SchemaMismatchError(LakeError):
    """A frame does not have the declared columns; says found and wanted."""


class LandingChangedError(StorageError):
    """A landing file is not what its inspection saw: the write was stopped before its commit."""
