"""Everything that can go wrong in words an analyst may read.

    EngineError
      + DataError          the data can be mended by the person who brought it
      |   + ReadingError   a file is not what it says, damaged, or too large
      |   + SchemaError    the columns are not the ones a model learned from
      + UsageError         a name, a hyperparameter or a choice that does not exist
      + StoreError         a stored model or data set is missing or damaged
      + Diverged           a training whose loss is no longer a number
      + QueueFull          too many jobs are waiting already
      + Cancelled          the person asked to stop

A message says what must hold, what was found and what to do next, with columns and files in
quotes. Anything else that is raised is a bug: it is logged, and the person sees an incident id.
"""

from __future__ import annotations


class EngineError(Exception):
    """A problem the person in front of the screen can understand; its text is shown as it is."""

    exit_code = 1


class DataError(EngineError):
    """The data do not allow what was asked, and its owner can mend them."""

    exit_code = 3


class ReadingError(DataError):
    """A file cannot be turned into a table."""


class SchemaError(DataError):
    """A table's columns do not fit the model that should judge it."""


class UsageError(EngineError, ValueError):
    """A choice that does not exist: a detector, a hyperparameter, a model, a column name."""

    exit_code = 2


class StoreError(EngineError):
    """Something stored is missing, damaged or of a newer format."""

    exit_code = 3


class Diverged(EngineError):
    """A network's training ran away; other hyperparameters may mend it."""

    exit_code = 3


class QueueFull(EngineError):
    """No further job is accepted until one of those waiting has ended."""


class Cancelled(EngineError):
    """The work was stopped because someone asked for it."""
