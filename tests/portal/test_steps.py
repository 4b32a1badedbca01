"""Images along their steps."""

from azml_integrations.portal import steps


def gallery(*at, stepped=True):
    return [{"file": f"{step}.png", "step": step, "stepped": stepped, "at": 1.0} for step in at]


def test_the_nearest_image_at_or_before_a_step_is_shown():
    """Not the one that comes after: what a run showed at step 15 is what it had logged by then."""
    one = gallery(0, 10, 10, 20)
    assert [image["step"] for image in steps.nearest(one, 15)] == [10, 10]
    assert [image["step"] for image in steps.nearest(one, 20)] == [20]
    assert steps.nearest(gallery(10), 9) == []
    assert steps.nearest(one, None) == one


def test_images_without_a_step_do_not_move():
    """Their number is a place in an order, which says nothing about another metric's steps."""
    one = gallery(0, 1, stepped=False)
    assert steps.nearest(one, 0) == one
    assert not steps.moves([*one, *gallery(5)])
    assert steps.every([one, gallery(5, 3), gallery(5)]) == [3, 5]


def test_a_step_that_is_no_number_is_no_wish(pages, ids):
    """A page without scripts shows all images then, and only those of a step that is one."""
    path = f"/runs/{ids['digits 0']}/images"
    assert pages.get(f"{path}?step=two").text.count("hidden>") == pages.get(path).text.count("hidden>")
    assert pages.get(f"{path}?step=150").text.count("hidden><a") == 2
