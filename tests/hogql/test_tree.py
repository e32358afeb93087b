"""The tree holds every construct that the parsers accept, and says so where it does not."""

from __future__ import annotations

import pytest
from small_project import SmallProject

from posthog_mcp.errors import HogQLResolutionError
from posthog_mcp.hogql.tree import Call, Constant, Field, Node, SelectQuery, children, from_json, rewrite, walk

ACCEPTED = [
    "select 1 from events final prewhere a = 1 where b group by all having c order by e desc limit 5 offset 3",
    "select a from events group by rollup(a, b)",
    "select a from events group by cube(a, b)",
    "select a from events group by grouping sets ((a, b), (a), ())",
    "select a from events limit 3 offset 1 by a, b limit 10",
    "select a from events order by a limit 5 with ties",
    "select a from events limit 40 %",
    "select 1 from a asof join b on a.x = b.x left semi join c using (id, n) cross join d, e",
    "select x from events left array join arr as x",
    "with recursive t(n) as (select 1 union all select n + 1 from t), 5 as five select * from t",
    "select * exclude (a), columns('^x'), columns(a, b), (* replace (a + 1 as b)) from events",
    "select a ?? b, a?.b, a ? b : c, a =~ 'x', a !~* 'y', x -> x + 1, (x, y) -> x from events",
    "select a[1:3], a[-1], a.1, a['x'], a is distinct from b, a not between 1 and 2 from events",
    "select count(distinct a) filter (where b), quantile(0.5)(x) over (partition by y rows 5 preceding) from events",
    "select 1 union distinct select 2 intersect select 3 except select 4",
    "select 1 as a union all by name select 2 as a",
    "select a::int, try_cast(b as date), interval 3 month, f'{a}!', <a href='x'>{b}</a>, {'k': 1}, (1, 2), [1] from t",
    "select * from (values (1, 'a')) t(x, y), numbers(3) n, {name} p, events sample 1/10 offset 1/2",
    "select * from events pivot (sum(x) for y in ('a')) p",
    "select * from events unpivot (x for y in (a, b)) u",
    "select x from t order by x with fill from 1 to 10 step 2 interpolate (y as z)",
    "select f(a := 1), sum(x) within group (order by y), t.f(1)",
]


@pytest.mark.parametrize("query", ACCEPTED)
async def test_every_accepted_construct_has_a_node(project: SmallProject, query: str) -> None:
    tree = from_json(await project.parser.parse(query))
    assert all(0 <= node.start <= node.end <= len(query) for node in walk(tree))
    assert all(child in list(walk(tree)) for child in children(tree))


async def test_nodes_know_their_place_in_code_points(project: SmallProject) -> None:
    query = "select 'é😀', évent from events"
    tree = from_json(await project.parser.parse(query.replace("é", "e", 2)))
    field = next(node for node in walk(tree) if isinstance(node, Field))
    assert query[field.start : field.end].replace("é", "e") == "event"


async def test_big_and_odd_numbers_keep_their_value(project: SmallProject) -> None:
    tree = from_json(await project.parser.parse("select 99999999999999999999, inf, nan, 9007199254740993"))
    values = [(node.value, node.value_type) for node in walk(tree) if isinstance(node, Constant)]
    assert values == [
        ("99999999999999999999", "number"),
        ("Infinity", "number"),
        ("NaN", "number"),
        (9007199254740993, None),
    ]


@pytest.mark.parametrize(
    "json", [{"node": "ForInStatement"}, {"node": "Field", "chain": ["a"], "new": 1}, {"node": "Not"}]
)
def test_what_is_not_known_is_named(json: dict[str, object]) -> None:
    with pytest.raises(HogQLResolutionError, match=str(json["node"])):
        from_json(json)  # type: ignore[arg-type]


def test_notes_do_not_count_for_equality() -> None:
    left, right = Field(["a"], start=1, end=2), Field(["a"], start=5, end=6)
    left.meaning = Constant(1)
    assert left == right


def test_rewrite_replaces_bottom_up() -> None:
    tree = Call("f", [Constant(1), Call("g", [Constant(2)])])

    def double(node: Node) -> Node:
        return Constant(node.value * 2) if isinstance(node, Constant) and isinstance(node.value, int) else node

    assert rewrite(tree, double) == Call("f", [Constant(2), Call("g", [Constant(4)])])


def test_walking_needs_no_stack() -> None:
    tree: Node = Constant(1)
    for _ in range(20_000):
        tree = Call("f", [tree])  # type: ignore[list-item]
    assert sum(1 for _ in walk(SelectQuery([tree]))) == 20_002  # type: ignore[list-item]
