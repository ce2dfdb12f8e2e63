"""Queries to Linear, and the parts of their answers: https://linear.app/developers/graphql."""

import msgspec

from router.senders.tickets.tracker import Ticket

ENDED = frozenset({"completed", "canceled"})
"""Types of states that end an issue."""

FIND = """query Find($id: ID!, $comments: [ID!]) {
  issues(filter: {id: {eq: $id}}, includeArchived: true) {
    nodes {
      identifier description state { type }
      comments(filter: {id: {in: $comments}}) { nodes { id } }
    }
  }
}"""
COMPARE = """query Compare($ids: [ID!]) {
  issues(filter: {id: {in: $ids}}, includeArchived: true, first: 100) {
    nodes { id identifier state { type } }
  }
}"""
STATES = """query States($team: String!) {
  team(id: $team) { name states { nodes { id type position } } }
}"""
OPEN = """mutation Open($input: IssueCreateInput!) {
  issueCreate(input: $input) { issue { identifier state { type } } }
}"""
COMMENT = """mutation Comment($input: CommentCreateInput!) {
  commentCreate(input: $input) { success }
}"""
MOVE = """mutation Move($id: String!, $state: String!) {
  issueUpdate(id: $id, input: {stateId: $state}) { success }
}"""


class State(msgspec.Struct, frozen=True):
    type: str
    id: str = ""
    position: float = 0.0


class Id(msgspec.Struct, frozen=True):
    id: str


class Comments(msgspec.Struct, frozen=True):
    nodes: list[Id] = []


class Issue(msgspec.Struct, frozen=True):
    identifier: str
    state: State
    id: str = ""
    description: str | None = None
    comments: Comments = Comments()

    def ticket(self, seen_entry: int = 0) -> Ticket:
        return Ticket(self.identifier, self.state.type not in ENDED, seen_entry)


class IssueList(msgspec.Struct, frozen=True):
    nodes: list[Issue]


class Found(msgspec.Struct, frozen=True):
    issues: IssueList


class StateList(msgspec.Struct, frozen=True):
    nodes: list[State]


class Team(msgspec.Struct, frozen=True):
    name: str
    states: StateList


class TeamStates(msgspec.Struct, frozen=True):
    team: Team


class Created(msgspec.Struct, frozen=True):
    issue: Issue


class Opened(msgspec.Struct, frozen=True):
    created: Created = msgspec.field(name="issueCreate")


class Done(msgspec.Struct, frozen=True):
    """The answer to a change. Its content isn't needed."""
