"""Names that a compiler, a proxy or a bundler made up: known by their markers, and by nothing else.

What such a name says of the build stands behind a marker of its language; a digit alone is no
marker, as `sha256` and `sha512` are two functions. Kept parts name the place, `*` stands for the
rest. Sources: the naming of the compilers and libraries that each line names.
"""

import re

_MARKED = re.compile(
    r"""(?x)
      # Java: lambdas, proxies and enhancers, accessors, anonymous classes; Kotlin's and Scala's
      (?<=\$\$Lambda)[$/].*+
    | (?<=\$\$)(?:EnhancerBy|FastClassBy)(?=\w)\w*+(?:\$\$[0-9a-f]++)?+
    | (?<=\$\$SpringCGLIB\$\$)\d++
    | (?<=\$Proxy)\d++ | (?<=\bproxy)\d++(?=\.\$Proxy)
    | (?<=\$HibernateProxy\$)\w++ | (?<=\$MockitoMock\$)\w++ | (?<=\$ByteBuddy\$)\w++
    | (?<=_\$\$_j)(?:avassist|vst)\w++
    | (?<=Generated)(?:Method|Constructor|SerializationConstructor)Accessor\d++
    | (?<=\$lambda)[-$]\d++(?:[-$]\d++)*+ | (?<=\$\$superforward)\d*+
    | (?<=\$)\d++(?:\$\d++){0,20}+(?:\$adapted)?+(?=$|[$./A-Z]) | (?<=\$ExternalSyntheticLambda)\d++
    | (?<=\baccess\$)\d++ | (?<=_run_closure)\d++
    | (?<=\bScript)\d++(?=$|\.groovy$) | (?<=-fun-)\d++(?=-)
    | (?<=\bfn__)\d++ | (?<=\beval)\d{3,20}+(?=$|[.$/]) | (?<=\$anonfun\$)\d++
      # .NET: lambdas, state machines, local functions, anonymous types, Castle's proxies
    | (?<=>[bdg]__)[\d_]++ | (?<=>c__DisplayClass)[\d_]++ | (?<=\|)\d++(?:_\d++)?+
    | (?<=\w_m)[0-9A-F]{40}\b | (?<=\blambda_method)\d++ | (?<=AnonymousType)\d++ | (?<=Proxy_)\d++
      # Ruby: methods of templates, whose hash may be negative; classes without a name
    | (?<=[a-z][a-z]_)_++\d++_\d++$ | (?<=\#<Class:)0x[0-9a-f]++
      # PHP: classes without a name, Twig's templates, Symfony's containers
    | (?<=@anonymous)[\0:\s/\\].*+ | (?<=__TwigTemplate_)[0-9a-f]++
    | (?<=\bContainer)[0-9A-Za-z]{7}(?=\\)
      # Go and Rust: closures, hashes of symbols; C and C++: clones and lambdas of compilers
    | (?<=\bfunc)\d++(?:\.\d++)*+(?=$|[.-]) | (?<=-range)\d++ | (?<=\bgowrap)\d++
    | (?<=\bdeferwrap)\d++ | (?<=::h)[0-9a-f]{16}(?=$|[.<]) | (?<=17h)[0-9a-f]{16}(?=E(?:$|\.))
    | (?<=Cs)[0-9A-Za-z]{6,14}(?=_\d)
    | (?<=closure\#)\d++ | (?<=closure\ \#)\d++ | (?<=impl\$)\d++ | (?<=\$_)\d++
    | (?<=\.constprop\.)\d++ | (?<=\.isra\.)\d++ | (?<=\.(?:part|cold)\.)\d++
    | (?<=_block_invoke)(?:_\d++)?+$ | (?<=\.llvm\.)\d++ | (?<=<lambda_)[0-9a-f]++
      # Python, notebooks, bundled interpreters; folders and versions of a release
    | (?<=ipython-input-)\d++(?:-[0-9a-f]++)?+ | (?<=ipykernel_)\d++/\d++ | (?<=_MEI)\d++
    | (?<=@v)\d++(?:\.\d++)++[\w.+-]*+ | (?<=\w-)\d++(?:\.\d++)++[\w.]*+(?=/) | ~~[\w=-]++(?===/)
      # addresses, UUIDs, and digests, which have digits and letters in at least twelve places
    | \b0x[0-9a-fA-F]++ | [0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}
    | (?<![0-9a-zA-Z])(?=[a-f]{0,64}+\d)(?=\d{0,64}+[a-f])[0-9a-f]{12,64}(?![0-9a-zA-Z])
    """
)

# How the names of scripts end, and what bundlers write before that.
_ENDINGS = (".js", ".mjs", ".cjs", ".jsx")
_BUILDS = (
    ".min", ".bundle", ".chunk", ".prod", ".esm", ".modern", ".legacy", ".development",
    ".production", "._",
)  # fmt: skip
_DIGEST = re.compile(
    r"(?<=[.~_-])(?=[a-f]{0,40}+[0-9])[0-9a-f]{6,40}$"
    r"|(?<=[.~_-])(?=[a-f]{0,4}\d)(?=\d{0,4}[a-f])[0-9a-f]{4,5}$"
)
_BASE_64 = re.compile(r"(?<=[.~_-])[\w-]{8}$")  # Vite's; esbuild's base 32 is part of it
_AUDIENCE = re.compile(r"[-.](?:legacy|modern)(?=[.-]\*$|$)")  # Vite's build for old browsers
_HASH_ALONE = re.compile(r"(?=[\w-]*[A-Z])(?=[\w-]*(?:\d|[a-z][A-Z]))[\w-]{8}")  # a chunk of Vite's
_WORDS = re.compile(
    r"(?:[A-Z]?[a-z]{2,}+(?:[_-]?[A-Z][a-z]{2,}+|[_-][a-z]++)*+|[a-z]++(?:[_-][a-z]++)*+)\d{0,2}"
)
_NAMELESS = re.compile(r"(?:(?:chunk|bundle)[.-])?(?:\d+|\*|[0-9a-f]{8,40})(?:[.-]\*)?")


def without_generated(name: str) -> str:
    """The name of a module, class or function with `*` for what was made up in it."""
    return _MARKED.sub("*", name)


def without_bundle_hash(filename: str) -> str:
    """A script's address without the hash of its content; others as they are.

    A chunk that is called by a number or a hash alone is no name at all: "*.js".
    """
    ending = next((end for end in _ENDINGS if filename.endswith(end)), "")
    if not ending:
        return filename
    folder, slash, name = filename.removesuffix(ending).rpartition("/")
    while build := next((end for end in _BUILDS if name.endswith(end)), ""):
        name = name.removesuffix(build)
    name = _DIGEST.sub("*", name)
    if (end := _BASE_64.search(name)) and not _WORDS.fullmatch(end[0]):
        name = f"{name[: end.start()]}*"
    name = _AUDIENCE.sub("", name)
    if _NAMELESS.fullmatch(name) or (_HASH_ALONE.fullmatch(name) and not _WORDS.fullmatch(name)):
        name = "*"
    return f"{folder}{slash}{name}.js"
