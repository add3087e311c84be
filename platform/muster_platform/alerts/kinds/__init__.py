"""The kinds of rules: `table.KINDS` names them, each is one small class."""
