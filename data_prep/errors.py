"""What can be wrong with a user's input; each message is one line that says what to do."""


class UserError(Exception):
    """The user's input or arguments are at fault: exit code 2, one line, no traceback."""


class SettingsError(UserError):
    """A setting is outside its range, unknown, or does not go with another one."""


class SourceError(UserError):
    """A measurement file or folder is missing, of another format, or damaged."""


class UnitError(SourceError):
    """The numbers of a file contradict the unit that its format promises."""


class DatasetError(UserError):
    """A prepared data set is missing, incomplete, damaged, or of another format version."""


class ConditionError(UserError):
    """A condition (EOL, ECL) that no cell can have."""
