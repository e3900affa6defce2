"""A world of customers, terminals and card payments, with fraud in it.

Customers pay at terminals near home and online, by hour and weekday. Fraud comes from compromised
terminals, stolen cards, leaked card numbers and, from CARD_TESTING_DAY on, a kind not seen before:
bursts of tiny online payments. A little fraud looks like any other payment. The scenarios follow
the ideas of the "Fraud Detection Handbook" (Le Borgne, Siblini, Lebichot, Bontempi).
"""

from dataclasses import dataclass, fields, replace

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

WARM_UP_DAYS = 42  # simulated but not written: terminal histories look 35 days back
DAYS = WARM_UP_DAYS + 120
CARD_TESTING_DAY = WARM_UP_DAYS + 90
DAY = 86_400

CUSTOMERS, TERMINALS = 1_800, 900
NEARBY, SHOPS = 11, 5  # favourite terminals of a customer: physical ones and online shops
COUNTRIES = np.array(["ES", "PT", "FR", "GB", "DE", "US"])
COUNTRY_SHARE = [0.62, 0.13, 0.13, 0.05, 0.04, 0.03]
HOME_SHARE = [0.74, 0.13, 0.13]  # customers live in the first three
CENTRE_KM = np.array([[0, 0], [-500, -50], [600, 500], [100, 1_250], [1_350, 1_200], [-6_000, 400]])
CATEGORY = {  # share of the terminals, price level
    "grocery": (0.26, 0.9),
    "restaurant": (0.19, 0.8),
    "fuel": (0.09, 1.4),
    "fashion": (0.13, 1.5),
    "electronics": (0.08, 2.0),
    "travel": (0.06, 2.4),
    "pharmacy": (0.08, 0.6),
    "leisure": (0.07, 0.9),
    "cash": (0.04, 2.0),
}
CATEGORIES = np.array(list(CATEGORY))
CATEGORY_SHARE, PRICE_LEVEL = np.array(list(CATEGORY.values())).T
CASH = list(CATEGORY).index("cash")
CHANNELS = np.array(["chip", "contactless", "magstripe", "online"])
CHIP, CONTACTLESS, MAGSTRIPE, ONLINE = range(4)
SYSTEMS = np.array(["android", "ios", "windows", "other"])
WEEKDAY_RATE = np.array([0.88, 0.9, 0.95, 1.0, 1.2, 1.22, 0.85])  # Monday first
SHOP_HOURS = np.array(
    [1, 1, 0, 0, 0, 1, 3, 6, 9, 10, 11, 13, 14, 13, 10, 9, 10, 12, 14, 13, 11, 8, 4, 2]
)
WEB_HOURS = np.array([4, 2, 1, 1, 1, 1, 2, 4, 6, 7, 8, 8, 8, 8, 8, 8, 8, 8, 9, 11, 13, 14, 12, 8])
NIGHT_HOURS = np.array(
    [12, 12, 12, 10, 8, 6, 3, 2, 2, 2, 3, 3, 4, 4, 4, 4, 4, 4, 5, 5, 6, 7, 8, 10]
)


@dataclass(frozen=True)
class Terminals:
    """Where people pay; one element a terminal. Online shops have a country but no place."""

    country: Ints
    place: Floats
    category: Ints
    online: Flags
    first_day: Ints


@dataclass(frozen=True)
class Customers:
    """Who pays; one element a customer. Days count from the start of the simulation."""

    country: Ints
    place: Floats
    age: Floats
    price: Floats
    rate: Floats
    first_day: Ints
    card_issued_day: Ints
    favourites: Ints
    trip_country: Ints
    trip_first_day: Ints
    trip_last_day: Ints


@dataclass(frozen=True)
class Payments:
    """One element a payment; time in seconds from the start of the simulation."""

    time: Ints
    customer: Ints
    terminal: Ints
    cents: Ints
    channel: Ints
    fraud: Flags

    def take(self, chosen: Ints | Flags) -> "Payments":
        """The chosen payments, in the order given."""
        return Payments(*(getattr(self, field.name)[chosen] for field in fields(self)))


def concatenate(parts: list[Payments]) -> Payments:
    """All parts as one, ordered by time."""
    names = [field.name for field in fields(Payments)]
    whole = Payments(*(np.concatenate([getattr(part, name) for part in parts]) for name in names))
    return whole.take(np.argsort(whole.time, kind="stable"))


def pick_hours(rng: Generator, weights: Ints, size: int) -> Ints:
    """Seconds since midnight, their hours drawn by the weights of the 24 hours."""
    hours = rng.choice(24, size, p=weights / weights.sum())
    return hours * 3600 + rng.integers(0, 3600, size)


def make_terminals(rng: Generator) -> Terminals:
    """Terminals around their country's centre; 8 % open while the simulation runs."""
    country = rng.choice(len(COUNTRIES), TERMINALS, p=COUNTRY_SHARE)
    category = rng.choice(len(CATEGORIES), TERMINALS, p=CATEGORY_SHARE)
    online = (rng.random(TERMINALS) < 0.3) & (category != CASH)
    return Terminals(
        country=country,
        place=CENTRE_KM[country] + rng.normal(0, 90, (TERMINALS, 2)),
        category=category,
        online=online,
        first_day=np.where(rng.random(TERMINALS) < 0.08, rng.integers(0, DAYS, TERMINALS), 0),
    )


def pick_favourites(rng: Generator, terminals: Terminals, country: int, place: Floats) -> Ints:
    """NEARBY physical terminals of the customer's country, near ones likelier, and SHOPS shops."""
    near = np.flatnonzero((terminals.country == country) & ~terminals.online)
    distance = np.hypot(*(terminals.place[near] - place).T)
    weight = np.exp(-distance / 30) + 1e-9
    physical = rng.choice(near, NEARBY, replace=False, p=weight / weight.sum())
    shops = rng.choice(np.flatnonzero(terminals.online), SHOPS, replace=False)
    return np.concatenate([physical, shops])


def make_customers(rng: Generator, terminals: Terminals) -> Customers:
    """Customers with their habits; 12 % join and 35 % travel while the simulation runs."""
    n = CUSTOMERS
    country = rng.choice(len(HOME_SHARE), n, p=HOME_SHARE)
    place = CENTRE_KM[country] + rng.normal(0, 90, (n, 2))
    first_day = np.where(rng.random(n) < 0.12, rng.integers(0, DAYS, n), 0)
    age = np.clip(rng.normal(45, 16, n), 18, 95).round()
    trip = rng.integers(0, DAYS, n)
    pairs = zip(country, place, strict=True)
    return Customers(
        country=country,
        place=place,
        age=np.where(rng.random(n) < 0.04, np.nan, age),
        price=rng.lognormal(3.1, 0.45, n),
        rate=rng.gamma(2.0, 0.29, n),
        first_day=first_day,
        card_issued_day=first_day - rng.integers(0, 1_200, n) * (first_day == 0),
        favourites=np.stack([pick_favourites(rng, terminals, *pair) for pair in pairs]),
        trip_country=rng.integers(0, len(COUNTRIES), n),
        trip_first_day=trip,
        trip_last_day=np.where(rng.random(n) < 0.35, trip + rng.integers(3, 11, n), -1),
    )


def price_of(rng: Generator, customers: Customers, category: Ints, customer: Ints) -> Ints:
    """Cents that this customer would spend in this category; cash comes in tens."""
    usual = customers.price[customer] * PRICE_LEVEL[category]
    cents = np.maximum(50, np.rint(100 * usual * rng.lognormal(0, 0.45, len(customer))))
    whole = np.where(category == CASH, np.ceil(cents / 1000) * 1000, cents)
    return whole.astype(np.int64)


def channel_of(
    rng: Generator, terminals: Terminals, terminal: Ints, cents: Ints, day: Ints
) -> Ints:
    """How the card was read; contactless below 50, and more of it as the months pass."""
    contactless = (cents < 5_000) & (terminals.category[terminal] != CASH)
    contactless &= rng.random(len(terminal)) < 0.65 + 0.2 * day / DAYS
    card = np.where(contactless, CONTACTLESS, CHIP)
    card = np.where(rng.random(len(terminal)) < 0.01, MAGSTRIPE, card)
    return np.where(terminals.online[terminal], ONLINE, card)


def everyday_terminals(
    rng: Generator, customers: Customers, terminals: Terminals, who: Ints, day: Ints
) -> Ints:
    """Where each payment happens: a favourite, now and then any terminal, abroad on a trip."""
    n = len(who)
    online = rng.random(n) < 0.26 + 0.08 * day / DAYS
    favourite = np.where(
        online, rng.integers(NEARBY, NEARBY + SHOPS, n), rng.integers(0, NEARBY, n)
    )
    terminal = customers.favourites[who, favourite]
    terminal = np.where(rng.random(n) < 0.02, rng.integers(0, TERMINALS, n), terminal)
    away = (day >= customers.trip_first_day[who]) & (day <= customers.trip_last_day[who]) & ~online
    for country in range(len(COUNTRIES)):
        there = np.flatnonzero((terminals.country == country) & ~terminals.online)
        chosen = np.flatnonzero(away & (customers.trip_country[who] == country))
        terminal[chosen] = rng.choice(there, len(chosen))
    return terminal


def everyday_payments(rng: Generator, customers: Customers, terminals: Terminals) -> Payments:
    """What honest customers pay; none before they joined or before the terminal opened."""
    days = np.arange(DAYS)
    weekday = (days + 5) % 7  # the simulation starts on a Saturday
    expected = WEEKDAY_RATE[weekday][:, None] * customers.rate
    expected = expected * (days[:, None] >= customers.first_day)
    cells = np.repeat(np.arange(expected.size), rng.poisson(expected).ravel())
    day, who = np.divmod(cells, CUSTOMERS)
    terminal = everyday_terminals(rng, customers, terminals, who, day)
    cents = price_of(rng, customers, terminals.category[terminal], who)
    shop, web = pick_hours(rng, SHOP_HOURS, len(who)), pick_hours(rng, WEB_HOURS, len(who))
    time = day * DAY + np.where(terminals.online[terminal], web, shop)
    channel = channel_of(rng, terminals, terminal, cents, day)
    honest = Payments(time, who, terminal, cents, channel, np.zeros(len(who), dtype=np.bool_))
    return honest.take(terminals.first_day[terminal] <= day)


def compromise_terminals(rng: Generator, payments: Payments, terminals: Terminals) -> Payments:
    """Some terminals are tampered with for weeks: half of their payments then are fraud."""
    events = DAYS // 6
    busy = np.flatnonzero(~terminals.online & (terminals.first_day == 0))
    fraud, cents, channel = payments.fraud.copy(), payments.cents.copy(), payments.channel.copy()
    for terminal in rng.choice(busy, events, replace=False):
        begin = rng.integers(-21, DAYS) * DAY
        end = begin + rng.integers(21, 36) * DAY
        there = (payments.terminal == terminal) & (payments.time >= begin) & (payments.time < end)
        chosen = np.flatnonzero(there & (rng.random(len(there)) < 0.5))
        fraud[chosen] = True
        cents[chosen] = np.rint(cents[chosen] * rng.uniform(1, 2, len(chosen)))
        channel[chosen[rng.random(len(chosen)) < 0.25]] = MAGSTRIPE
    return replace(payments, fraud=fraud, cents=cents, channel=channel)


def thefts(
    rng: Generator, customers: Customers, first_day: int, per_day: float, payments: tuple[int, int]
) -> tuple[Ints, Ints]:
    """Victims (who own a card by then) and first days of incidents, one element a payment."""
    events = rng.poisson((DAYS - first_day) * per_day)
    who, day = rng.integers(0, CUSTOMERS, events), rng.integers(first_day, DAYS, events)
    times = rng.integers(*payments, events) * (customers.first_day[who] <= day)
    return np.repeat(who, times), np.repeat(day, times)


def stolen_cards(rng: Generator, customers: Customers, terminals: Terminals) -> Payments:
    """A card is stolen and used four to eight times in two days, for larger amounts."""
    who, day = thefts(rng, customers, 0, 0.55, (4, 9))
    open_shops = np.flatnonzero(~terminals.online & (terminals.first_day == 0))
    terminal = rng.choice(open_shops, len(who))
    usual = price_of(rng, customers, terminals.category[terminal], who)
    cents = np.rint(usual * rng.uniform(2, 6, len(who))).astype(np.int64)
    day = np.minimum(day + rng.integers(0, 2, len(who)), DAYS - 1)
    time = day * DAY + pick_hours(rng, SHOP_HOURS, len(who))
    channel = channel_of(rng, terminals, terminal, cents, day)
    return Payments(time, who, terminal, cents, channel, np.ones(len(who), dtype=np.bool_))


def leaked_numbers(rng: Generator, customers: Customers, terminals: Terminals) -> Payments:
    """A card number leaks and is used online for two weeks, often at night."""
    who, day = thefts(rng, customers, 0, 0.25, (4, 11))
    shops = np.flatnonzero(terminals.online & (terminals.first_day == 0))
    terminal = rng.choice(shops, len(who))
    usual = price_of(rng, customers, terminals.category[terminal], who)
    cents = np.rint(usual * rng.uniform(1.5, 5, len(who))).astype(np.int64)
    day = np.minimum(day + rng.integers(0, 14, len(who)), DAYS - 1)
    time = day * DAY + pick_hours(rng, NIGHT_HOURS, len(who))
    channel = np.full(len(who), ONLINE)
    return Payments(time, who, terminal, cents, channel, np.ones(len(who), dtype=np.bool_))


def card_testing(rng: Generator, customers: Customers, terminals: Terminals) -> Payments:
    """Bursts of tiny payments within minutes, at six online shops, from CARD_TESTING_DAY on."""
    who, day = thefts(rng, customers, CARD_TESTING_DAY, 1.0, (3, 8))
    shops = np.flatnonzero(terminals.online & (terminals.first_day == 0))
    terminal = rng.choice(rng.choice(shops, 6, replace=False), len(who))
    cents = rng.integers(50, 400, len(who))
    hour_of_victim = pick_hours(rng, WEB_HOURS, CUSTOMERS)
    time = day * DAY + np.minimum(hour_of_victim[who] + rng.integers(0, 900, len(who)), DAY - 1)
    channel = np.full(len(who), ONLINE)
    return Payments(time, who, terminal, cents, channel, np.ones(len(who), dtype=np.bool_))


def simulate(rng: Generator) -> tuple[Customers, Terminals, Payments]:
    """All payments of all days, the warm-up too, ordered by time."""
    terminals = make_terminals(rng)
    customers = make_customers(rng, terminals)
    everyday = compromise_terminals(rng, everyday_payments(rng, customers, terminals), terminals)
    unremarkable = rng.random(len(everyday.time)) < 0.0003
    everyday = replace(everyday, fraud=everyday.fraud | unremarkable)
    scenarios = (stolen_cards, leaked_numbers, card_testing)
    frauds = [scenario(rng, customers, terminals) for scenario in scenarios]
    return customers, terminals, concatenate([everyday, *frauds])
