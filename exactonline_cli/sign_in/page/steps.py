"""The pages of the four steps, and the one at the end."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta, timezone
from typing import TYPE_CHECKING, Any

from exactonline_cli import repository
from exactonline_cli.sign_in.flow import REDIRECT_RULE
from exactonline_cli.sign_in.page.html import Markup, element, join
from exactonline_cli.sign_in.page.layout import choice, form, frame, group, summary, text_field
from exactonline_client.auth.oauth import CHAIN_DAYS
from exactonline_client.regions import REGIONS

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from exactonline_cli.sign_in.flow import Problem, SignIn
    from exactonline_cli.sign_in.meltano_project import Setting


@dataclass(frozen=True)
class View:
    """What every page needs: the sign-in, what is wrong, and the token of its forms."""

    sign_in: SignIn
    problems: Sequence[Problem]
    csrf: str
    origin: str
    """Address of the page itself."""


def paragraph(*content: Markup | str) -> Markup:
    """A paragraph."""
    return element("p", *content)


def page(view: View, step: int, title: str, *content: Markup | None) -> str:
    """One of the four steps."""
    problems = summary(view.problems)
    return frame(title, problems, *content, step=step, wrong=bool(view.problems))


def region(view: View) -> str:
    """Step 1."""
    given = view.sign_in.base_url
    choices = [
        choice(
            "radio",
            "region",
            code,
            found.name,
            found.base_url.removeprefix("https://"),
            id_="region" if number == 0 else f"region-{code}",
            checked=code == (view.sign_in.region or "nl"),
        )
        for number, (code, found) in enumerate(REGIONS.items())
    ]
    return page(
        view,
        0,
        "Where do you use Exact Online?",
        paragraph(
            "This page connects the Exact Online taps and targets on this machine to your "
            "account. It takes four steps. You need an app registration of your own at Exact."
        ),
        element(
            "div", paragraph(f"All calls go to {given}, as asked for at the start."), class_="note"
        )
        if given
        else None,
        form(
            "/region",
            view.csrf,
            group(
                "region",
                "Region",
                "The site you sign in to. An app registration works in one region only.",
                view.problems,
                *choices,
            ),
            element("button", "Continue", type="submit"),
        ),
    )


def app(view: View) -> str:
    """Step 2."""
    sign_in = view.sign_in
    secret_hint = (
        "Kept from before; leave it empty to keep it."
        if sign_in.client_secret
        else "It is kept encrypted, and shown nowhere."
    )
    return page(
        view,
        1,
        "Which app is it?",
        _app_help(view.origin),
        form(
            "/app",
            view.csrf,
            text_field(
                "client_id",
                "Client ID",
                "From the app's registration in the Exact App Centre.",
                view.problems,
                value=sign_in.client_id,
            ),
            text_field(
                "client_secret", "Client secret", secret_hint, view.problems, kind="password"
            ),
            text_field(
                "redirect_uri",
                "Redirect URI",
                f"As it is registered for the app. {REDIRECT_RULE}",
                view.problems,
                value=sign_in.redirect_uri,
            ),
            text_field(
                "name",
                "Name of this connection (optional)",
                "To tell several apart, such as two users of one app. Without one it is named "
                "after region and client ID.",
                view.problems,
                value=sign_in.name,
            ),
            element("button", "Continue", type="submit"),
        ),
    )


def _app_help(origin: str) -> Markup:
    callback = element("code", f"{origin}/callback")
    return element(
        "details",
        element("summary", "How to register an app at Exact"),
        paragraph(
            "Register one in the Exact App Centre (apps.exactonline.com). What Exact calls an API "
            "key is such a registration: a client ID with a client secret. You still sign in with "
            "your own user."
        ),
        paragraph(
            "As redirect URI, enter a public https address of your own, such as a page of your "
            "web site. Nothing has to run there: after the sign-in you copy the address from the "
            "browser. Where it forwards to ",
            callback,
            " with everything behind the question mark, not even that is needed.",
        ),
        paragraph(
            "What the app may read and write is set at the registration too. An app that Exact "
            "has not reviewed works for your own licence only."
        ),
    )


def sign_in(view: View) -> str:
    """Step 3."""
    known = view.sign_in.account
    replaced = (
        f"The connection {known.name} is signed in as {known.user_name or 'a user'}. This sign-in "
        "takes its place. To keep both, go back to the app and give this one a name of its own."
        if known
        else None
    )
    link = element(
        "a",
        "Sign in at Exact Online (opens a new tab)",
        class_="button",
        href=view.sign_in.authorise_url,
        target="_blank",
        rel="noopener noreferrer",
    )
    return page(
        view,
        2,
        "Sign in at Exact Online",
        element("div", paragraph(replaced), class_="note") if replaced else None,
        element(
            "ol",
            element("li", paragraph("Sign in and allow the app."), element("p", link)),
            element(
                "li",
                paragraph(
                    "You land on your redirect URI. It may well show an error: only its address "
                    "counts. Copy all of it from the address bar, and paste it below."
                ),
            ),
        ),
        form(
            "/sign-in",
            view.csrf,
            text_field(
                "address",
                "The address you landed on",
                "It works once, and for three minutes after the sign-in.",
                view.problems,
            ),
            element("button", "Continue", type="submit"),
        ),
        paragraph(
            "Exact says that it does not know the app? Then it is registered in another ",
            element("a", "region", href="/region"),
            ", or something is mistyped in the ",
            element("a", "app", href="/app"),
            ". Or did you land on a page that says Signed in? Then ",
            element("a", "go on", href="/divisions"),
            ".",
        ),
    )


def divisions(view: View, rows: Sequence[dict[str, Any]]) -> str:
    """Step 4."""
    me = view.sign_in.opened.me
    boxes = [
        choice(
            "checkbox",
            "division",
            str(row["Code"]),
            f"{row['Description']}",
            f"{row['Code']}, {row['Country'] or 'no country'}, {row['Currency'] or 'no currency'}",
            id_=f"division-{row['Code']}",
            checked=row["Code"] == me["CurrentDivision"],
        )
        for row in rows
    ]
    return page(
        view,
        3,
        "Which divisions?",
        paragraph(f"You are signed in as {me['FullName']}. Divisions are Exact's companies."),
        form(
            "/divisions",
            view.csrf,
            group(
                "divisions",
                "Read from",
                None,
                view.problems,
                choice(
                    "radio",
                    "which",
                    "these",
                    "The ones ticked below",
                    id_="divisions",
                    checked=True,
                ),
                choice(
                    "radio",
                    "which",
                    "all",
                    f"All {len(rows)}, and new ones as they appear",
                    id_="which-all",
                ),
            ),
            element(
                "fieldset",
                element("legend", "Divisions"),
                element("div", *boxes, class_="list"),
                class_="field",
            ),
            element("button", "Continue", type="submit"),
        ),
    )


def unreadable(view: View, reason: str) -> str:
    """Step 4, where the divisions cannot be read just now."""
    return page(
        view,
        3,
        "The divisions cannot be read",
        paragraph("You are signed in, and the sign-in is kept. ", reason),
        element("p", element("a", "Try again", href="/divisions", class_="button")),
    )


def done(
    view: View, settings: Sequence[Setting], project: Path | None, written: Sequence[Setting]
) -> str:
    """The end."""
    sign_in = view.sign_in
    began = (sign_in.account and sign_in.account.received_at) or sign_in.clock()
    ends = datetime.fromtimestamp(began, timezone.utc) + timedelta(days=CHAIN_DAYS)
    facts = {
        "Connection": sign_in.opened.name,
        "User": str(sign_in.opened.me["FullName"]),
        "Region": sign_in.opened.app.region.name,
        "Divisions": "all, and new ones as they appear"
        if sign_in.all_divisions
        else ", ".join(str(code) for code in sign_in.chosen or ()),
        "Store": sign_in.opened.store.name,
    }
    ended = sign_in.ended_by_this()
    exposed = repository.warning(sign_in.opened.store)
    return frame(
        "Connected",
        summary(view.problems),
        element(
            "dl",
            *(
                part
                for name, text in facts.items()
                for part in (element("dt", name), element("dd", text))
            ),
        ),
        element(
            "div",
            paragraph(
                f"Exact knows one sign-in of a user in an app: that of {', '.join(ended)} has "
                "ended with this one."
            ),
            class_="note",
        )
        if ended
        else None,
        element("div", paragraph(exposed), class_="note") if exposed else None,
        paragraph(
            f"The sign-in lives on as long as it is used once in {CHAIN_DAYS} days. Unused, it "
            f"ends on {ends.day} {ends:%B %Y}; ",
            element("code", "exactonline keepalive"),
            " once a week keeps it alive without a run.",
        ),
        element("h2", "Tell Meltano"),
        *_meltano(view, settings, project, written),
        form("/finish", view.csrf, element("button", "Finish", type="submit", class_="plain")),
        wrong=bool(view.problems),
    )


def _meltano(
    view: View, settings: Sequence[Setting], project: Path | None, written: Sequence[Setting]
) -> list[Markup]:
    if written:
        items = [element("li", f"{one.plugin}: {one.name} = {one.value}") for one in written]
        told = paragraph(f"Written into the project {project}:")
        return [element("div", told, element("ul", *items), class_="note", role="status")]
    lines = Markup("\n".join(join(str(setting)) for setting in settings))
    shown = [
        paragraph("No secret is in these lines; the store has them."),
        element("pre", lines, tabindex="0", aria_label="Commands"),
    ]
    if project:
        button = element("button", f"Write them into the project {project}", type="submit")
        shown.append(form("/meltano", view.csrf, button))
    return shown


def opened(path: str) -> str:
    """The way in: from here the browser goes on as from any page of this site.

    A redirect would count as coming from where the address was opened, which brings no cookie.
    """
    link = element("a", "Go on", href=path, class_="button")
    return frame("The page is open", element("p", link), onward=path)


def message(title: str, *lines: str, link: tuple[str, str] | None = None) -> str:
    """A page that says something, and may lead on (text and address)."""
    onward = element("p", element("a", link[0], href=link[1], class_="button")) if link else None
    return frame(title, *(paragraph(line) for line in lines), onward)
