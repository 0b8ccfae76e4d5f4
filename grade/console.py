"""What the tests that type at the shell's prompt share: a terminal, and what it shows after some keys."""

import re


class Terminal:
    """What a terminal of 80 columns would show: as much of one as a serial line needs. (The harness has taken
    the carriage returns away: a newline begins a row.)"""

    COLUMNS = 80

    def __init__(self, text):
        self.rows, self.row, self.column = [[]], 0, 0
        for piece in re.findall(r"\x1b\[[0-9;]*[A-Za-z]|[\s\S]", text):
            self.take(piece)

    def take(self, piece):
        """One character, or a sequence."""
        if piece == "\n":
            self.row, self.column = self.row + 1, 0
        elif piece == "\b":
            self.column = max(0, min(self.column, self.COLUMNS - 1) - 1)
        elif piece == "\x1b[A":
            self.row = max(0, self.row - 1)
        elif piece == "\x1b[H":
            self.row, self.column = 0, 0
        elif piece == "\x1b[2J":
            self.rows = [[]]
        elif piece >= " ":
            if self.column == self.COLUMNS:
                self.row, self.column = self.row + 1, 0
            self._room(self.column)
            self.rows[self.row][self.column] = piece
            self.column += 1
        self._room(0)

    def _room(self, column):
        while len(self.rows) <= self.row:
            self.rows.append([])
        while len(self.rows[self.row]) <= column:
            self.rows[self.row].append(" ")

    def lines(self):
        """The rows, without blanks at their ends."""
        return ["".join(row).rstrip() for row in self.rows]


def keys(machine, text, limit=20):
    """Types keys at the prompt, waits for the next prompt, and returns the terminal's rows since the prompt
    where they were typed."""
    begin = machine.position
    machine.type(text)
    machine.expect(r"\n\$ $", limit)
    return Terminal("$ " + machine.output[begin:machine.position]).lines()


# It is in the foreground, and takes its own signals, once it has shown that it is ready.
SLEEP = "sh -c 'echo ready; exec sleep 1000'"


def begin(machine, command, shows):
    """Types a command that goes on, and waits until it shows that."""
    machine.type(command + "\n")
    machine.expect(re.escape(command) + "\n")
    machine.expect(shows)
