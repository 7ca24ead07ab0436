/**
 * The grammar of nsdl for editors. Like `../nsdl.lalrpop` it has formulas and values in one family of expressions.
 * `src/grammar.json` is made from it: `tree-sitter generate`, or see `../../tests/tests/editors.rs`.
 */

const PREC = {
  implies: 1, or: 2, and: 3, not: 4, assign: 5, in: 5, conditional: 6,
  either: 7, both: 8, comparison: 9, bit_or: 10, bit_and: 11, shift: 12, sum: 13, product: 14, unary: 15, cast: 16,
};

const comma = rule => optional(seq(comma1(rule), optional(',')));
const comma1 = rule => seq(rule, repeat(seq(',', rule)));

module.exports = grammar({
  name: 'nsdl',

  extras: $ => [/\s|\uFEFF/, $.line_comment, $.block_comment],
  word: $ => $._identifier,
  conflicts: $ => [
    [$.head, $._expression],
    [$._head_atoms, $._expression],
    [$.assignment, $.range],
    [$.range, $.element, $.case],
    [$.assignment, $.case],
    [$.range, $.element],
    [$.assignment, $.element],
    [$.named_argument, $._expression],
    [$._expression, $.aggregate_call],
    [$._expression, $.call],
    [$._position, $.field],
    [$.type_name, $.constructor],
    [$.type_name, $.member],
    [$.aggregate_call, $.call],
  ],

  rules: {
    source_file: $ => repeat($._item),

    _item: $ => choice($.import, $.type_item, $.extern_item, $.function_item, $.const_item, $.rule_item, $.query_item,
      $.evidence_item),

    import: $ => seq(repeat($.attribute), 'import', $.string, optional(seq('as', $.name))),
    type_item: $ => seq(repeat($.attribute), 'type', comma1($._type_declaration)),
    extern_item: $ => seq(repeat($.attribute), 'extern', 'type', comma1($._type_declaration)),
    function_item: $ => seq(repeat($.attribute), 'fn', field('name', $.name), '(', comma($.typed_name), ')',
      optional(seq('->', $._type)), '=', $._expression),
    const_item: $ => seq(repeat($.attribute), 'const', comma1($.constant)),
    rule_item: $ => seq(repeat($.attribute), choice('rel', 'relation'), $.head,
      optional(seq(choice('=', ':-'), choice($.set, $.body)))),
    // A query and its evidence: `|` is an operator here.
    query_item: $ => seq(repeat($.attribute), 'query', $.body),
    evidence_item: $ => seq(repeat($.attribute), 'evidence', $.body),

    attribute: $ => seq('@', $.name, optional(seq('(', comma(choice($._expression, $.named_argument)), ')'))),
    named_argument: $ => seq(field('name', $.name), '=', $._expression),

    // Declarations
    _type_declaration: $ => choice($.relation_declaration, $.foreign_declaration, $.subtype, $.type_definition),
    relation_declaration: $ => seq(field('name', $.name), '(', comma($.column), ')'),
    foreign_declaration: $ => seq(field('name', $.function_name), '(', comma($.column), ')', '->', $._type),
    subtype: $ => seq(field('name', $.name), optional($.type_parameters), '<:', $._type),
    type_definition: $ => seq(field('name', $.name), optional($.type_parameters), '=', optional('|'),
      choice($._type, $.constructor, $.member), repeat(seq('|', choice($._type, $.constructor, $.member)))),
    type_parameters: $ => seq('<', comma1($.name), '>'),
    constructor: $ => seq(field('name', $.name), '(', comma($.column), ')'),
    member: $ => seq(field('name', $.name), '=', $._literal),
    column: $ => seq(optional(choice('bound', 'free', seq('keep', choice('min', 'max')))),
      optional(seq(field('field', $.name), ':')), $._type),
    typed_name: $ => seq($.name, optional(seq(':', $._type))),
    constant: $ => seq(field('name', $.name), optional(seq(':', $._type)), '=', $._expression),

    _type: $ => choice($.type_name, $.tuple_type, $.list_type),
    type_name: $ => seq($.name, optional(seq('<', comma1($._type), '>'))),
    tuple_type: $ => seq('(', comma($._type), ')'),
    list_type: $ => seq('[', $._type, ']'),

    // Rules
    head: $ => seq(optional($._tag), choice($.name, $._head_atoms, $.set)),
    _head_atoms: $ => seq($.call, repeat(seq(choice('and', '/\\'), $.call))),
    body: $ => comma1($._expression),
    set: $ => seq('{', optional(seq($.set_member, repeat(seq(choice(',', ';'), $.set_member)), optional(choice(',', ';')))), '}'),
    set_member: $ => seq(optional($._tag), $._expression),
    _tag: $ => seq(choice(field('tag', $._expression), field('tag', $.learned)), '::'),
    learned: $ => seq('?', optional($._expression)),

    // Formulas and values
    _expression: $ => choice(
      $._literal, $.name, $.wildcard, $.parenthesised, $.list, $.call, $.function_call, $.aggregate_call,
      $.unary, $.binary, $.cast, $.conditional, $.negation, $.assignment, $.range, $.element, $.case, $.new_term,
    ),
    parenthesised: $ => seq('(', choice(comma($._expression), seq($._expression, ':', $._type)), ')'),
    list: $ => seq('[', choice(comma($._expression), seq('..', optional($._expression)),
      seq(comma1($._expression), ',', '..', optional($._expression))), ']'),
    call: $ => seq(field('name', $.name), optional('!'), optional($.brackets), $.arguments),
    aggregate_call: $ => prec.dynamic(1, seq(field('name', choice($.name, 'exists', 'forall')),
      choice(seq(optional('!'), $.parameters), seq($.parameters, '!'), optional('!')), optional($.brackets), $.arguments)),
    parameters: $ => seq('<', comma(seq(optional(seq(field('name', $.name), '=')), choice($._literal, $.name))), '>'),
    brackets: $ => seq('[', comma($._expression), ']'),
    arguments: $ => seq('(', comma($._position), optional(seq(':', comma(choice($._position, $.field)))),
      optional(seq('where', comma1($._expression), ':', comma1($._expression))), ')'),
    _position: $ => choice($._expression, $.rest),
    field: $ => seq(field('name', $.name), ':', $._expression),
    rest: _ => '..',
    function_call: $ => seq(field('name', $.function_name), '(', comma($._expression), ')'),
    new_term: $ => prec(PREC.unary, seq('new', $._expression)),

    negation: $ => prec(PREC.not, seq(choice('not', '~'), $._expression)),
    assignment: $ => prec.right(PREC.assign, seq($._expression, choice(':=', '='), $._expression)),
    range: $ => prec(PREC.in, seq($._expression, 'in', $._expression, choice('..', '..='), $._expression)),
    element: $ => prec(PREC.in, seq($._expression, 'in', $._expression)),
    case: $ => prec(PREC.in, seq('case', $._expression, 'is', $._expression)),
    conditional: $ => prec.right(PREC.conditional, choice(
      seq('if', $._expression, 'then', $._expression, 'else', $._expression),
      seq($._expression, '?', $._expression, ':', $._expression))),
    unary: $ => prec(PREC.unary, seq(choice('-', '!', '+'), $._expression)),
    cast: $ => prec.left(PREC.cast, seq($._expression, 'as', choice($.name, $.tuple_type, $.list_type))),
    binary: $ => choice(...[
      ['implies', PREC.implies, 'right'], ['=>', PREC.implies, 'right'],
      ['or', PREC.or], ['\\/', PREC.or], ['and', PREC.and], ['/\\', PREC.and],
      ['||', PREC.either], ['^', PREC.either], ['&&', PREC.both],
      ['==', PREC.comparison], ['!=', PREC.comparison], ['<', PREC.comparison], ['<=', PREC.comparison],
      ['>', PREC.comparison], ['>=', PREC.comparison],
      ['|', PREC.bit_or], ['&', PREC.bit_and], ['<<', PREC.shift], ['>>', PREC.shift],
      ['+', PREC.sum], ['-', PREC.sum], ['*', PREC.product], ['/', PREC.product], ['%', PREC.product],
    ].map(([operator, level, side]) => (side === 'right' ? prec.right : prec.left)(level,
      seq(field('left', $._expression), operator, field('right', $._expression))))),

    // Words
    _literal: $ => choice($.integer, $.float, $.boolean, $.character, $.string, $.symbol, $.datetime, $.duration,
      $.negative),
    negative: $ => prec(PREC.unary + 2, seq('-', choice($.integer, $.float))),
    integer: _ => /0[xX][0-9a-fA-F_]+([iu](8|16|32|64|128|size))?|0[bB][01_]+([iu](8|16|32|64|128|size))?|0[oO][0-7_]+([iu](8|16|32|64|128|size))?|[0-9][0-9_]*([iu](8|16|32|64|128|size))?/,
    float: _ => /[0-9][0-9_]*(\.[0-9][0-9_]*([eE][+-]?[0-9_]+)?(f32|f64)?|[eE][+-]?[0-9_]+(f32|f64)?|(f32|f64))/,
    boolean: _ => choice('true', 'false'),
    character: _ => /'([^'\\]|\\(u\{[0-9a-fA-F]+\}|.))'/,
    string: _ => choice(/"""([^"\\]|\\.|"[^"]|""[^"]|\\\n)*"""/, /"([^"\\]|\\.|\\\n)*"/),
    symbol: _ => /s"([^"\\]|\\.)*"/,
    datetime: _ => /t"[^"]*"/,
    duration: _ => /d"[^"]*"/,
    wildcard: _ => '_',
    function_name: _ => /\$[\p{XID_Start}_][\p{XID_Continue}]*/u,
    name: $ => prec.left(seq($._identifier, repeat(seq(token.immediate('.'), $._identifier)))),
    _identifier: _ => /[\p{XID_Start}_][\p{XID_Continue}]*/u,
    line_comment: _ => token(seq('//', /[^\n]*/)),
    block_comment: _ => token(seq('/*', /[^*]*\*+([^/*][^*]*\*+)*/, '/')),
  },
});
